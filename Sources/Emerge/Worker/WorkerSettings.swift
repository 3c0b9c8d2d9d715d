/// How a worker builds.
public struct WorkerSettings: Sendable, Equatable {
  /// Where ROOT lies in a build.
  public enum Layout: String, Sendable, Equatable {
    /// The machine's own system, read-only, with a ROOT of its own beside it.
    case separateRoot = "separate-root"
    /// The copied template is the whole system, with ROOT=/ (a stage3 on Gentoo).
    case wholeSystem = "whole-system"
  }

  /// Words before every command, which put it into the worker's Portage environment; none on
  /// Gentoo.
  public var prefix: [String] = []
  /// The path of `larder-portage`.
  public var helper: String
  /// The directory in which each build gets a directory of its own.
  public var work: String
  /// The prepared root that each build starts from.
  public var template: String
  /// Whether the template is a ROOT or the system.
  public var layout = Layout.separateRoot
  /// Directories that builds may not see, such as those with keys: mounted over, empty.
  public var hidden: [String] = ["/root", "/home"]
  /// Files that builds may not read, such as the worker's token.
  public var masked: [String] = []
  /// Paths that builds may see although they lie in a hidden directory or below /tmp; read-only.
  public var visible: [String] = []
  /// Directories that are writable and empty in each build, such as caches in a read-only system.
  public var scratch: [String] = []
  /// Words after `emerge` when dependencies are merged, such as `--usepkg`.
  public var dependencyOptions: [String] = []
  /// bubblewrap, by name or path.
  public var bubblewrap = "bwrap"
  /// How long one phase of a build may take.
  public var timeout: Duration = .seconds(6 * 3_600)
  /// How long a call for work waits at the gateway.
  public var wait: Duration = .seconds(20)
  /// How long a worker pauses after trouble of its own or the gateway's.
  public var pause: Duration = .seconds(30)

  /// The defaults for these three paths.
  public init(helper: String, work: String, template: String) {
    self.helper = helper
    self.work = work
    self.template = template
  }
}
