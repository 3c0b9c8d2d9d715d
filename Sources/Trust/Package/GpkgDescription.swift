public import Cryptography
public import Portage
public import Wire

/// What a gpkg says of itself, read from its bytes and from nothing else.
public struct GpkgDescription: Sendable, Hashable {
  /// The facts that a gpkg carries; distfiles, flags, recipe and the like are empty.
  public var facts: PackageFacts
  /// The canonical fields of those facts.
  public var fields: FingerprintFields
  /// BUILD_TIME.
  public var buildTime: Timestamp
  /// What independent builds share.
  public var agreement: Bytes32
  /// REQUIRES: the sonames that it needs, by multilib category.
  public var requires: SonameList
  /// PROVIDES: the sonames that it has.
  public var provides: SonameList
  /// The bound on libc that Portage wrote into RDEPEND; nil if nothing in it is linked.
  public var libc: HostFacts.Libc?
  /// The highest version needed of each family of symbols that it doesn't provide itself.
  public var symbols: [String]
  /// The x86-64 level without which one of its programs won't start; nil if none says so.
  public var level: CPULevel?
  /// Whether it carries archives, Fortran or Rust modules, or compiler plugins.
  public var isBoundToCompiler: Bool
  /// Whether it has kernel modules.
  public var hasKernelModules: Bool
  /// What looks like a secret in its environment, metadata or paths.
  public var secrets: [String]
  /// ELF files that were too large or too odd to look into.
  public var unreadableFiles: [String]
}

extension JudgedFacts {
  /// What a statement about a finished package says for policies to judge.
  public init(of facts: PackageFacts, description: GpkgDescription) {
    self.init(of: facts)
    libc = description.libc
    symbols = description.symbols
    isBoundToCompiler = description.isBoundToCompiler
  }
}

extension BuildStatement {
  /// Size and digests of a file.
  public struct FileFacts: Sendable, Hashable {
    /// The file's name in the network.
    public var root: ContentRoot
    /// Its size in bytes.
    public var size: UInt64
    /// Its MD5, 16 bytes.
    public var md5: [UInt8]
    /// Its SHA-1, 20 bytes.
    public var sha1: [UInt8]

    /// Size and digests of a file.
    public init(root: ContentRoot, size: UInt64, md5: [UInt8], sha1: [UInt8]) {
      self.root = root
      self.size = size
      self.md5 = md5
      self.sha1 = sha1
    }
  }

  /// Why no statement is made.
  public enum MakeError: Error, Equatable, Sendable {
    /// The facts are malformed.
    case facts(FactsError)
    /// Facts and file differ in this field.
    case mismatch(FingerprintFields.Difference)
  }

  /// The statement about a package that was just built, from its facts and what its file says.
  ///
  /// `sequence` is the one after the last that this issuer used for this file; the time of signing in
  /// seconds does where nothing else is at hand.
  public static func make(
    from facts: PackageFacts, description: GpkgDescription, file: FileFacts, now: Timestamp,
    life: Duration = defaultLife, sequence: UInt64? = nil
  ) throws(MakeError) -> BuildStatement {
    let fingerprint: Fingerprint
    let fields: FingerprintFields
    do {
      fingerprint = try Fingerprint(of: facts)
      fields = try FingerprintFields(of: facts)
    } catch {
      throw .facts(error)
    }
    let differences = fields.differences(from: description.fields)
    if let first = differences.first(where: \.field.isInGpkg) { throw .mismatch(first) }
    return BuildStatement(
      fingerprint: fingerprint, root: file.root, size: file.size, md5: file.md5, sha1: file.sha1,
      agreement: description.agreement,
      judged: JudgedFacts(of: facts, description: description),
      buildTime: description.buildTime,
      sequence: sequence ?? UInt64(max(now.seconds, 0)), created: now, expires: now + life)
  }
}
