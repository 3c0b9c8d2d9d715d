extension PackageFacts {
  /// ABI, libc, kernel and layout of the system that a package is for.
  public struct Target: Codable, Sendable, Hashable {
    /// ABI.
    public var abi: String
    /// DEFAULT_ABI.
    public var defaultABI: String
    /// LIBDIR of each ABI in use, by ABI.
    public var libdirs: [String: String]
    /// ARCH.
    public var arch: String
    /// ELIBC.
    public var elibc: String
    /// KERNEL.
    public var kernel: String
    /// EPREFIX; empty on most systems.
    public var eprefix: String
    /// `merged` where /usr holds everything, else `split`.
    public var usr: String

    /// A target; defaults to 64-bit x86 GNU/Linux with a merged /usr.
    public init(
      abi: String = "amd64", defaultABI: String = "amd64",
      libdirs: [String: String] = ["amd64": "lib64"], arch: String = "amd64",
      elibc: String = "glibc", kernel: String = "linux", eprefix: String = "",
      usr: String = "merged"
    ) {
      self.abi = abi
      self.defaultABI = defaultABI
      self.libdirs = libdirs
      self.arch = arch
      self.elibc = elibc
      self.kernel = kernel
      self.eprefix = eprefix
      self.usr = usr
    }

    enum CodingKeys: String, CodingKey {
      case abi
      case defaultABI = "default_abi"
      case libdirs, arch, elibc, kernel, eprefix, usr
    }
  }

  /// The dependency strings as Portage writes them into the package, USE-evaluated and slot-bound.
  public struct Dependencies: Codable, Sendable, Hashable {
    /// BDEPEND.
    public var bdepend: String
    /// DEPEND.
    public var depend: String
    /// IDEPEND.
    public var idepend: String
    /// PDEPEND.
    public var pdepend: String
    /// RDEPEND.
    public var rdepend: String

    /// The dependency strings; empty where not given.
    public init(
      bdepend: String = "", depend: String = "", idepend: String = "", pdepend: String = "",
      rdepend: String = ""
    ) {
      self.bdepend = bdepend
      self.depend = depend
      self.idepend = idepend
      self.pdepend = pdepend
      self.rdepend = rdepend
    }

    enum CodingKeys: String, CodingKey {
      case bdepend = "BDEPEND"
      case depend = "DEPEND"
      case idepend = "IDEPEND"
      case pdepend = "PDEPEND"
      case rdepend = "RDEPEND"
    }
  }

  /// A source file with the digests of its Manifest line; `size` stands among them.
  public struct Distfile: Codable, Sendable, Hashable {
    /// The file's name.
    public var name: String
    /// The digests by algorithm, and the size in bytes.
    public var digests: [String: String]

    /// A distfile.
    public init(name: String, digests: [String: String]) {
      self.name = name
      self.digests = digests
    }
  }

  /// What a host's owner adds to builds; empty for most.
  public struct LocalFacts: Codable, Sendable, Hashable {
    /// A digest over the user patches, or empty.
    public var userPatches: String
    /// LINGUAS.
    public var linguas: String
    /// EXTRA_ECONF.
    public var extraEconf: String
    /// EXTRA_EMAKE.
    public var extraEmake: String
    /// MYCMAKEARGS.
    public var mycmakeargs: String
    /// MYMESONARGS.
    public var mymesonargs: String
    /// PKG_INSTALL_MASK.
    public var pkgInstallMask: String

    /// Nothing added, unless given.
    public init(
      userPatches: String = "", linguas: String = "", extraEconf: String = "",
      extraEmake: String = "", mycmakeargs: String = "", mymesonargs: String = "",
      pkgInstallMask: String = ""
    ) {
      self.userPatches = userPatches
      self.linguas = linguas
      self.extraEconf = extraEconf
      self.extraEmake = extraEmake
      self.mycmakeargs = mycmakeargs
      self.mymesonargs = mymesonargs
      self.pkgInstallMask = pkgInstallMask
    }

    enum CodingKeys: String, CodingKey {
      case userPatches = "user_patches"
      case linguas
      case extraEconf = "extra_econf"
      case extraEmake = "extra_emake"
      case mycmakeargs, mymesonargs
      case pkgInstallMask = "pkg_install_mask"
    }
  }

  /// The CPU that compiler flags select, `native` resolved.
  public struct CPU: Codable, Sendable, Hashable {
    /// The CPU's name, never `native`.
    public var march: String
    /// The CPU that scheduling is tuned for.
    public var mtune: String
    /// GCC's names of the instruction sets that are on.
    public var features: [String]
    /// x86-64, x86-64-v2, -v3 or -v4; empty elsewhere.
    public var level: String

    /// A CPU; unknown unless given.
    public init(
      march: String = "", mtune: String = "", features: [String] = [], level: String = ""
    ) {
      self.march = march
      self.mtune = mtune
      self.features = features
      self.level = level
    }
  }

  /// A compiler and its version.
  public struct Compiler: Codable, Sendable, Hashable {
    /// gcc or clang.
    public var name: String
    /// The version, such as `14.2.1`.
    public var version: String

    /// A compiler; unknown unless given.
    public init(name: String = "", version: String = "") {
      self.name = name
      self.version = version
    }

    /// The version before its first dot.
    public var major: String { String(version.prefix { $0 != "." }) }
  }

  /// Digests of the texts that a build follows, in hexadecimal SHA-256.
  public struct Recipe: Codable, Sendable, Hashable {
    /// The ebuild.
    public var ebuild: String
    /// The ebuild without comments, KEYWORDS, HOMEPAGE, DESCRIPTION and LICENSE.
    public var normalized: String
    /// Every inherited eclass, by name.
    public var eclasses: [String: String]
    /// The directory `files`, or empty.
    public var files: String

    /// Digests; empty unless given.
    public init(
      ebuild: String = "", normalized: String = "", eclasses: [String: String] = [:],
      files: String = ""
    ) {
      self.ebuild = ebuild
      self.normalized = normalized
      self.eclasses = eclasses
      self.files = files
    }
  }

  /// A binary package that Portage takes already.
  public struct Binary: Codable, Sendable, Hashable {
    /// BUILD_TIME in Unix seconds.
    public var buildTime: Int64?
    /// BUILD_ID.
    public var buildID: String?
    /// Where it lies.
    public var path: String?
    /// The binhost's name; empty for PKGDIR.
    public var repo: String?

    enum CodingKeys: String, CodingKey {
      case buildTime = "build_time"
      case buildID = "build_id"
      case path, repo
    }
  }

  /// A finished gpkg in PKGDIR.
  public struct BuiltFile: Codable, Sendable, Hashable {
    /// Its path.
    public var file: String
    /// Its size in bytes.
    public var size: UInt64
    /// Its MD5 in hexadecimal.
    public var md5: String
    /// BUILD_TIME in Unix seconds.
    public var buildTime: Int64?
    /// BUILD_ID.
    public var buildID: String?

    /// A finished file.
    public init(
      file: String, size: UInt64, md5: String, buildTime: Int64? = nil, buildID: String? = nil
    ) {
      self.file = file
      self.size = size
      self.md5 = md5
      self.buildTime = buildTime
      self.buildID = buildID
    }

    enum CodingKeys: String, CodingKey {
      case file, size, md5
      case buildTime = "build_time"
      case buildID = "build_id"
    }
  }
}
