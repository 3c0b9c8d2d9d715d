import Logging
import ServiceLifecycle

/// One thing that a daemon does for as long as it runs.
struct Part: Service {
  let name: String
  let logger: Logger
  /// What it still has to do when the daemon is told to stop; then its body is cancelled.
  var farewell: @Sendable () async -> Void = {}
  let body: @Sendable () async throws -> Void

  /// Runs until the daemon is told to stop; an error ends the daemon.
  func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await serve() }
      group.addTask {
        guard (try? await gracefulShutdown()) != nil else { return }
        await farewell()
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private func serve() async throws {
    do {
      try await body()
      // A part that ends by itself must not end the others.
      try await gracefulShutdown()
    } catch is CancellationError {
      return
    } catch {
      guard !Task.isCancelled else { return }
      logger.error("\(name) failed", metadata: ["reason": "\(error)"])
      throw error
    }
  }
}
