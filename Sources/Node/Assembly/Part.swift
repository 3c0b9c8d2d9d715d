import Logging
import ServiceLifecycle

/// One thing that a daemon does for as long as it runs.
struct Part: Service {
  let name: String
  let logger: Logger
  let body: @Sendable () async throws -> Void

  /// Runs until the daemon is told to stop; an error ends the daemon.
  func run() async throws {
    try await cancelWhenGracefulShutdown {
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
}
