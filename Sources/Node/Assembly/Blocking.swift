import NIOPosix

/// Where work goes that blocks a thread, such as reading a package: a few threads of their own, so
/// that nothing blocks the event loops or Swift's cooperative threads.
enum Blocking {
  /// Runs `body` on one of those threads; at most as many run at once as there are threads.
  static func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await NIOThreadPool.singleton.runIfActive(body)
  }
}
