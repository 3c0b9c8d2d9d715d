/// How a finished gpkg came about, as far as this host can tell.
public struct Provenance: Codable, Sendable, Hashable {
  /// The last build of a package from source in emerge.log.
  public struct Build: Codable, Sendable, Hashable {
    /// When it began, in Unix seconds.
    public var started: Int64
    /// When it ended, in Unix seconds; nil if it failed.
    public var finished: Int64?

    /// A build from `started` to `finished`.
    public init(started: Int64, finished: Int64?) {
      self.started = started
      self.finished = finished
    }
  }

  /// The file among a build's inputs that changed last.
  public struct Input: Codable, Sendable, Hashable {
    /// Its path.
    public var path: String
    /// Its ctime in Unix seconds.
    public var changed: Int64

    /// An input that changed at `changed`.
    public init(path: String, changed: Int64) {
      self.path = path
      self.changed = changed
    }
  }

  /// BINPKGMD5 of the installed package of this version; nil if none is installed.
  public var installedMD5: String?
  /// The last build from source in emerge.log; nil if there is none.
  public var built: Build?
  /// Whether the last merge in emerge.log was of a binary.
  public var mergedAsBinary: Bool
  /// The newest of everything that the build read.
  public var newestInput: Input?
  /// The host's own code that ran in the build: bashrc, etc/portage/env, profile.bashrc.
  public var hooks: [String]
  /// Whether USE=savedconfig was on.
  public var savedconfig: Bool
  /// ACCT_USER_* and ACCT_GROUP_* variables that the host sets.
  public var accountOverrides: [String]
  /// What looks like a secret, each in one line.
  public var secrets: [String]

  /// Provenance of which nothing is known, unless given.
  public init(
    installedMD5: String? = nil, built: Build? = nil, mergedAsBinary: Bool = false,
    newestInput: Input? = nil, hooks: [String] = [], savedconfig: Bool = false,
    accountOverrides: [String] = [], secrets: [String] = []
  ) {
    self.installedMD5 = installedMD5
    self.built = built
    self.mergedAsBinary = mergedAsBinary
    self.newestInput = newestInput
    self.hooks = hooks
    self.savedconfig = savedconfig
    self.accountOverrides = accountOverrides
    self.secrets = secrets
  }

  enum CodingKeys: String, CodingKey {
    case installedMD5 = "installed_binpkgmd5"
    case built
    case mergedAsBinary = "merged_as_binary"
    case newestInput = "newest_input"
    case hooks, savedconfig
    case accountOverrides = "acct_overrides"
    case secrets
  }
}
