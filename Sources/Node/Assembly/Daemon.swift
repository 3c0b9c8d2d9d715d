import Binhost
import CoreMetrics
import Cryptography
import DHT
import Emerge
import Logging
import Metrics
import PeerNetwork
import ServiceLifecycle
import Storage
import Trust
import UnixSignals
import Wire

/// A node that runs: everything put together.
public struct Daemon: Sendable {
  /// What kind of node it is.
  public enum Kind: String, Sendable {
    /// A user's machine or a seeder.
    case node
    /// A gateway of the cloud tier, which is a seeder besides.
    case gateway
  }

  private let paths: Paths
  private let kind: Kind
  private let verbose: Bool

  /// A daemon for the node at `paths`.
  public init(paths: Paths, kind: Kind, verbose: Bool) {
    self.paths = paths
    self.kind = kind
    self.verbose = verbose
  }

  /// Runs until SIGTERM or SIGINT; throws with the reason if it can't start or a part fails.
  public func run() async throws {
    let logger = Log.start(verbose: verbose)
    let configuration = try Configuration.load(paths)
    let metrics = PrometheusRegistry()
    MetricsSystem.bootstrap(metrics)
    let state = try await NodeState(paths: paths, logger: logger)
    let network = try await NodeNetwork(state: state, settings: configuration, logger: logger)
    let parts: NodeParts
    do {
      parts = try await NodeParts(
        kind: kind, state: state, network: network, settings: configuration, metrics: metrics,
        logger: logger)
    } catch {
      await network.stop()
      throw error
    }
    logger.notice(
      "larder \(Program.version) is up",
      metadata: [
        "node": "\(state.nodeKey.publicKey)", "port": "\(network.port)", "root": "\(paths.root)/",
      ])
    let group = ServiceGroup(
      configuration: .init(
        services: parts.all.map { .init(service: $0) },
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    do {
      try await group.run()
    } catch {
      await network.stop()
      await network.save(to: state.catalog)
      throw error
    }
    await network.stop()
    await network.save(to: state.catalog)
    logger.notice("stopped")
  }
}

extension Logger {
  /// The same log for the HTTP servers, whose library calls an ordinary end of a connection an error.
  var quiet: Logger {
    var quiet = self
    quiet.logLevel = .critical
    return quiet
  }
}

/// The program's log: lines on standard error.
enum Log {
  /// Sets the log up once for the process.
  static func start(verbose: Bool) -> Logger {
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = verbose ? .debug : .info
      return handler
    }
    return Logger(label: "larder")
  }
}
