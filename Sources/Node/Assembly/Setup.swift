import Binhost
import Emerge
import Trust

/// `larder setup`: lets Portage read Larder's directory, and undoes it.
public struct Setup: Sendable {
  private let paths: Paths

  /// The set-up of the node at `paths`.
  public init(_ paths: Paths) {
    self.paths = paths
  }

  /// Writes or removes the section of binrepos.conf; returns what was done, a line each.
  public func run(undo: Bool) async throws -> [String] {
    let configuration = try Configuration.load(paths)
    let report = try await PortageHelper(configuration.portage.helperSettings).host()
    guard let host = report.host else { throw ResolveError.noHostFacts }
    let portage = portage(for: host)
    let actions = undo ? try portage.undo() : try portage.setup()
    return actions.map(\.description)
  }

  /// The section for a host's Portage.
  func portage(for host: HostFacts) -> PortageConfiguration {
    var settings = PortageConfiguration.Settings()
    settings.binrepos = host.binreposConf
    settings.binhost = paths.binhost
    settings.location = "\(paths.state)/binhost-cache"
    settings.features = Set(host.portageFeatures)
    return PortageConfiguration(settings)
  }
}
