/// Lets one task at a time pass, in the order in which they came.
actor Turn {
  private var isTaken = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// Runs `body` when all who came before are done.
  ///
  /// A task that is cancelled while it waits still gets its turn, and its body finds out.
  func take<R: Sendable>(_ body: @Sendable () async throws -> R) async rethrows -> R {
    if isTaken {
      await withCheckedContinuation { waiting.append($0) }
    }
    isTaken = true
    defer { leave() }
    return try await body()
  }

  private func leave() {
    if waiting.isEmpty {
      isTaken = false
    } else {
      waiting.removeFirst().resume()
    }
  }
}
