/// What a host is, in the words of the helper `larder-portage`.
public struct HostFacts: Codable, Sendable, Hashable {
  /// The installed libc package.
  public struct Libc: Codable, Sendable, Hashable {
    /// Category and name, such as `sys-libs/glibc`.
    public var package: String
    /// The version with its revision.
    public var version: String

    /// A libc package.
    public init(package: String, version: String) {
      self.package = package
      self.version = version
    }
  }

  /// The machine's CPU.
  public struct CPU: Codable, Sendable, Hashable {
    /// GCC's names of the instruction sets that it has.
    public var features: [String]

    /// A CPU with these instruction sets.
    public init(features: [String]) {
      self.features = features
    }
  }

  /// An ebuild repository.
  public struct Repository: Codable, Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Its directory.
    public var location: String

    /// A repository at `location`.
    public init(name: String, location: String) {
      self.name = name
      self.location = location
    }
  }

  /// ROOT.
  public var root: String
  /// EPREFIX.
  public var eprefix: String
  /// PORTAGE_CONFIGROOT.
  public var configRoot: String
  /// PKGDIR.
  public var pkgdir: String
  /// DISTDIR.
  public var distdir: String
  /// PORTAGE_TMPDIR.
  public var portageTmpdir: String
  /// The path of emerge.log.
  public var emergeLog: String
  /// ARCH.
  public var arch: String
  /// CHOST.
  public var chost: String
  /// ABI.
  public var abi: String
  /// FEATURES.
  public var portageFeatures: [String]
  /// BINPKG_FORMAT.
  public var binpkgFormat: String
  /// The path of binrepos.conf, existing or not.
  public var binreposConf: String
  /// The installed libc package; nil where no package provides it.
  public var libc: Libc?
  /// The CPU.
  public var cpu: CPU
  /// The ebuild repositories.
  public var repositories: [Repository]
  /// The licence groups, expanded.
  public var licenseGroups: [String: [String]]
  /// Category and name of each package of @system.
  public var systemPackages: [String]
  /// EMERGE_DEFAULT_OPTS.
  public var emergeDefaultOpts: String

  /// A host of this architecture, CPU and libc, with everything else empty.
  public init(
    arch: String = "amd64", chost: String = "x86_64-pc-linux-gnu", abi: String = "amd64",
    libc: Libc? = nil, cpu: CPU = CPU(features: []), systemPackages: [String] = []
  ) {
    root = "/"
    eprefix = ""
    configRoot = "/"
    pkgdir = ""
    distdir = ""
    portageTmpdir = ""
    emergeLog = ""
    self.arch = arch
    self.chost = chost
    self.abi = abi
    portageFeatures = []
    binpkgFormat = "gpkg"
    binreposConf = ""
    self.libc = libc
    self.cpu = cpu
    repositories = []
    licenseGroups = [:]
    self.systemPackages = systemPackages
    emergeDefaultOpts = ""
  }

  enum CodingKeys: String, CodingKey {
    case root, eprefix
    case configRoot = "config_root"
    case pkgdir, distdir
    case portageTmpdir = "portage_tmpdir"
    case emergeLog = "emerge_log"
    case arch, chost, abi
    case portageFeatures = "portage_features"
    case binpkgFormat = "binpkg_format"
    case binreposConf = "binrepos_conf"
    case libc, cpu, repositories
    case licenseGroups = "license_groups"
    case systemPackages = "system_packages"
    case emergeDefaultOpts = "emerge_default_opts"
  }
}
