import Builder
import Cloud
import Emerge
import Glibc
import Logging
import ServiceLifecycle
import Trust
import UnixSignals

/// `larder worker`: takes builds from a gateway until it is stopped.
public struct WorkerService: Sendable {
  private let paths: Paths
  private let verbose: Bool

  /// A worker with the configuration at `paths`.
  public init(paths: Paths, verbose: Bool) {
    self.paths = paths
    self.verbose = verbose
  }

  /// Runs until SIGTERM or SIGINT; throws with the reason if it can't start.
  public func run() async throws {
    let logger = Log.start(verbose: verbose)
    let configuration = try Configuration.load(paths)
    let own = configuration.worker
    guard let template = own.template else { throw StartError.noTemplate(paths.configurationFile) }
    let client = try GatewayClient(
      .init(url: own.gateway, token: try CloudToken.read(own.tokenFile)))
    try AtomicFile.makeDirectory(paths.work, mode: 0o700)
    // It is covered in each build's sandbox, which must find it there: a key may be made later.
    try AtomicFile.makeDirectory(paths.keys, mode: 0o700)
    guard let host = try await PortageHelper(configuration.portage.helperSettings).host().host
    else {
      throw ResolveError.noHostFacts
    }
    var settings = WorkerSettings(
      helper: configuration.portage.helper, work: paths.work, template: template)
    settings.prefix = configuration.portage.commandPrefix
    settings.layout = own.layout
    settings.visible = own.visible
    settings.scratch = own.scratch
    settings.dependencyOptions = own.dependencyOptions
    settings.timeout = own.timeout
    settings.hidden += [paths.keys]
    settings.masked = [own.tokenFile].compactMap { $0 }
    let worker = Worker(
      name: own.name ?? Machine.name, client: client, settings: settings, host: host, log: logger)
    logger.notice("worker is up", metadata: ["gateway": "\(own.gateway)"])
    let part = Part(name: "worker", logger: logger) { try await worker.run() }
    try await ServiceGroup(
      configuration: .init(
        services: [.init(service: part)], gracefulShutdownSignals: [.sigterm, .sigint],
        logger: logger)
    ).run()
  }

  /// Why a worker can't start.
  enum StartError: Error, CustomStringConvertible {
    case noTemplate(String)

    var description: String {
      switch self {
      case .noTemplate(let file):
        "\(file): set worker.template to a prepared root; on Gentoo an unpacked stage3"
      }
    }
  }
}
