/// Wakes one waiting task when there is something to do, so that nothing has to look again and again.
///
/// Rings while nobody waits count as one. Cancellation of the waiting task ends the bell.
struct Doorbell: Sendable {
  private let rings: AsyncStream<Void>
  private let ringer: AsyncStream<Void>.Continuation

  init() {
    (rings, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Wakes the waiting task, or keeps the next one from waiting.
  func ring() {
    ringer.yield()
  }

  /// Waits for a ring, at most for `span` if one is given; throws if cancelled.
  func wait(atMost span: Duration? = nil) async throws {
    guard let span else {
      for await _ in rings { return }
      throw CancellationError()
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await Task.sleep(for: span)
        ring()
      }
      defer { group.cancelAll() }
      for await _ in rings { return }
      throw CancellationError()
    }
  }
}
