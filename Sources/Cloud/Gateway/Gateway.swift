public import Builder
import Glibc
import Hummingbird
public import Logging
import NIOCore

/// The request gateway: an HTTP API over index and queue, for askers and for workers.
public struct Gateway: Sendable {
  private let desk: GatewayDesk
  private let settings: GatewaySettings
  private let hooks: GatewayHooks
  private let log: Logger

  /// A gateway over these stores.
  public init(
    index: any BuildIndex, queue: any JobQueue, settings: GatewaySettings, hooks: GatewayHooks,
    log: Logger
  ) {
    self.settings = settings
    self.hooks = hooks
    self.log = log
    desk = GatewayDesk(index: index, queue: queue, settings: settings, hooks: hooks, log: log)
  }

  /// Why a gateway can't serve.
  public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The address can't be listened on.
    case address(String, Int, String)

    /// One line for the user.
    public var description: String {
      switch self {
      case .address(let host, let port, let reason):
        "the gateway can't listen on \(host):\(port): \(reason)"
      }
    }
  }

  /// A worker's client of this gateway in the same process.
  public var leases: any LeaseClient { LocalLeaseClient(desk: desk) }

  /// How many jobs are in each phase, counted up to 1,000, for the status page.
  public func jobCounts() async throws -> [JobPhase: Int] {
    var counts: [JobPhase: Int] = [:]
    for phase in [JobPhase.queued, .leased, .failed] {
      counts[phase] = try await desk.index.jobs(.phase(phase), limit: 1_000).count
    }
    return counts
  }

  /// Serves and sweeps until cancelled; calls `bound` with the port once it listens.
  ///
  /// Cancellation closes all connections; leases go on and are found again after a restart.
  public func run(bound: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
    try await desk.staging.prepare()
    let routes = GatewayRoutes(desk: desk, settings: settings, hooks: hooks, log: log)
    let application = Application(
      router: routes.router(),
      server: .http1(configuration: .init(idleTimeout: .seconds(120))),
      configuration: ApplicationConfiguration(
        address: .hostname(settings.host, port: settings.port), serverName: "larder"),
      onServerRunning: { channel in await bound(channel.localAddress?.port ?? 0) },
      logger: quiet(log))
    let desk = desk
    let (interval, poll, log) = (settings.sweep, settings.poll, log)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        do {
          try await application.run()
        } catch let error as IOError {
          throw Failure.address(settings.host, settings.port, reason(error))
        }
      }
      group.addTask {
        while true {
          try await Task.sleep(for: interval)
          do {
            try await desk.sweep()
          } catch is CancellationError {
            throw CancellationError()
          } catch {
            log.error("sweep failed", metadata: ["error": "\(error)"])
          }
        }
      }
      group.addTask {
        while true {
          try await Task.sleep(for: poll)
          desk.bell.ring()
        }
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}

private func reason(_ error: IOError) -> String {
  String(cString: strerror(error.errnoCode))
}

/// Hummingbird logs each request, and an ordinary end of a connection as an error.
private func quiet(_ log: Logger) -> Logger {
  var log = log
  log.logLevel = .critical
  return log
}
