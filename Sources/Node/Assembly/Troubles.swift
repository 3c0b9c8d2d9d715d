import Logging
import Synchronization

/// Parts of a daemon that failed and are tried again, with the reasons, for the status.
final class Troubles: Sendable {
  private let reasons = Mutex<[String: String]>([:])

  /// One line for each part in trouble.
  var warnings: [String] {
    let lines = reasons.withLock { reasons in
      reasons.map { "\($0.key) failed and is tried again: \($0.value)" }
    }
    return lines.sorted()
  }

  /// Runs `body` again whenever it fails, ever less often, until cancelled or until it ends.
  ///
  /// A part that has run for `recovery` since it failed counts as well again.
  func persist(
    _ name: String, logger: Logger, pauses: ClosedRange<Duration> = .seconds(5) ... .seconds(300),
    recovery: Duration = .seconds(30), _ body: @escaping @Sendable () async throws -> Void
  ) async throws {
    var pause = pauses.lowerBound
    while true {
      let began = ContinuousClock.now
      do {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
          tasks.addTask { [self] in
            try await Task.sleep(for: recovery)
            clear(name)
          }
          defer { tasks.cancelAll() }
          try await body()
        }
        return clear(name)
      } catch {
        try Task.checkCancellation()
        note(name, "\(error)")
        if ContinuousClock.now - began > recovery { pause = pauses.lowerBound }
        logger.error(
          "\(name) failed and is tried again",
          metadata: ["reason": "\(error)", "pause": "\(pause.components.seconds) s"])
      }
      try await Task.sleep(for: pause)
      pause = min(pause * 2, pauses.upperBound)
    }
  }

  private func note(_ name: String, _ reason: String) {
    reasons.withLock { $0[name] = reason }
  }

  private func clear(_ name: String) {
    reasons.withLock { $0[name] = nil }
  }
}
