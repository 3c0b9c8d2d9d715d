import Cryptography
public import Portage
import Wire

/// Reads a gpkg once and says what it holds: a visitor of `Gpkg.read`.
///
/// Memory: one ELF file of at most `largestELF` at a time, and some 200 bytes an entry.
public struct GpkgInspector: GpkgVisitor {
  /// Why a gpkg can't be described.
  public enum InspectError: Error, Equatable, Sendable {
    /// It is no sound gpkg.
    case gpkg(Gpkg.ReadError)
    /// This metadata is missing or malformed.
    case metadata(String)
    /// Its `environment.bz2` can't be read.
    case environment(BashEnvironment.ReadError)
    /// What it says is malformed.
    case facts(FactsError)
  }

  /// The largest ELF file that is looked into, in bytes (512 MiB).
  public static let largestELF = 512 << 20

  private let secretPatterns: SecretPatterns
  private var image: [AgreementDigest.Entry] = []
  private var hardLinks: [(path: String, target: String)] = []
  private var content = BLAKE2b()
  private var head: [UInt8] = []
  private var isELF = false
  private var elf = ELFSummary()
  private var secrets: [String] = []
  private var unreadable: [String] = []
  private var hasKernelModules = false
  private var isBoundToCompiler = false

  /// An inspector; `hostName` is looked for as a secret where it is given.
  public init(hostName: String = "") {
    secretPatterns = SecretPatterns(hostName: hostName)
  }

  /// Reads the gpkg at `path`: blocking, and as long as unpacking it takes.
  public static func inspect(
    path: String, limits: Gpkg.Limits = Gpkg.Limits(), hostName: String = ""
  ) throws(InspectError) -> GpkgDescription {
    var inspector = GpkgInspector(hostName: hostName)
    let metadata: GpkgMetadata
    do {
      metadata = try Gpkg.read(
        path: path, limits: limits, digest: { ManifestDigest() }, visitor: &inspector)
    } catch {
      throw .gpkg(error)
    }
    return try inspector.description(with: metadata)
  }

  /// Notes the entry.
  public mutating func visit(_ entry: ImageEntry) {
    content = BLAKE2b()
    head = []
    isELF = false
    notePath(entry)
  }

  /// Digests the content, and keeps it where it is an ELF file's.
  public mutating func visit(content bytes: UnsafeRawBufferPointer, of entry: ImageEntry) {
    content.update(buffer: bytes.bindMemory(to: UInt8.self))
    guard isELF || head.count < 4 else { return }
    let room = Self.largestELF - head.count
    head += bytes.prefix(room)
    if !isELF, head.count >= 4 {
      isELF = ELFFacts.isELF(head)
      if !isELF { head = Array(head.prefix(4)) }
    }
  }

  /// Keeps what the entry is.
  public mutating func leave(_ entry: ImageEntry) {
    if isELF { noteELF(entry) }
    head = []
    // The image's own directory stands for the root, which is never merged.
    guard !entry.path.isEmpty else { return }
    let (kind, bytes): (String, [UInt8])
    switch entry.kind {
    case .file: (kind, bytes) = ("file", content.finalize())
    case .directory: (kind, bytes) = ("directory", [])
    case .symbolicLink(let target): (kind, bytes) = ("link", Array(target.utf8))
    case .hardLink(let target):
      hardLinks.append((entry.path, target))
      return
    }
    let owner =
      (entry.userName.isEmpty ? "\(entry.userID)" : entry.userName) + ":"
      + (entry.groupName.isEmpty ? "\(entry.groupID)" : entry.groupName)
    image.append(
      AgreementDigest.Entry(
        path: entry.path, kind: kind, mode: entry.kind.isLink ? 0o777 : entry.mode, owner: owner,
        content: bytes))
  }

  /// What was seen, with the metadata that `Gpkg.read` returned.
  public func description(
    with metadata: GpkgMetadata
  ) throws(InspectError) -> GpkgDescription {
    let environment: BashEnvironment
    do {
      environment =
        try metadata.environment.map { packed throws(BashEnvironment.ReadError) in
          try BashEnvironment(bzip2: packed)
        } ?? BashEnvironment([])
    } catch {
      throw .environment(error)
    }
    let reader = DescriptionReader(metadata: metadata, environment: environment)
    let facts = try reader.facts()
    let fields: FingerprintFields
    do {
      try facts.validate()
      fields = try FingerprintFields(of: facts)
    } catch {
      throw .facts(error)
    }
    return GpkgDescription(
      facts: facts, fields: fields, buildTime: try reader.buildTime(),
      agreement: AgreementDigest.compute(
        image: linkedImage, metadata: metadata, environment: environment),
      requires: try reader.sonames("REQUIRES"), provides: try reader.sonames("PROVIDES"),
      libc: reader.libc(), symbols: elf.symbols, level: elf.level,
      isBoundToCompiler: isBoundToCompiler, hasKernelModules: hasKernelModules,
      secrets: secretPatterns.found(in: environment, metadata) + secrets.prefix(64),
      unreadableFiles: unreadable)
  }

  /// The image where each name of a file with several says which names belong together: which of
  /// them a tar calls the file and which the link follows a directory's order on disk.
  private var linkedImage: [AgreementDigest.Entry] {
    guard !hardLinks.isEmpty else { return image }
    var groups: [String: [String]] = [:]
    var root: [String: String] = [:]
    for (path, target) in hardLinks {
      let first = root[target] ?? target
      root[path] = first
      groups[first, default: [first]].append(path)
    }
    var result: [AgreementDigest.Entry] = []
    for entry in image {
      guard let names = groups[entry.path] else {
        result.append(entry)
        continue
      }
      let lead = names.min { $0.utf8.lexicographicallyPrecedes($1.utf8) } ?? entry.path
      for name in names {
        var member = entry
        member.path = name
        member.kind = "file linked as \(lead)"
        result.append(member)
      }
    }
    return result
  }

  private mutating func noteELF(_ entry: ImageEntry) {
    guard entry.size < UInt64(Self.largestELF) else {
      unreadable.append(entry.path)
      return
    }
    do {
      elf.add(try ELFFacts(head), path: entry.path)
    } catch {
      // Object files and firmware may be of forms that no loader here reads.
      if entry.mode & 0o111 != 0 || entry.path.contains(".so") { unreadable.append(entry.path) }
    }
  }

  private mutating func notePath(_ entry: ImageEntry) {
    if let secret = secretPatterns.secret(inPath: "/" + entry.path) {
      secrets.append("path: \(secret)")
    }
    if case .symbolicLink(let target) = entry.kind,
      let secret = secretPatterns.secret(inPath: target)
    {
      secrets.append("path: \(secret)")
    }
    let path = entry.path
    if path.hasPrefix("lib/modules/") || path.hasPrefix("usr/lib/modules/") {
      hasKernelModules = true
    }
    guard case .file = entry.kind else { return }
    let name = path.split(separator: "/").last ?? ""
    for end in [".a", ".mod", ".rlib", ".rmeta", ".gox"]
    where name.hasSuffix(end) && name != "go.mod" {
      isBoundToCompiler = true
    }
    if path.contains("/gcc/"), path.contains("/plugin/") { isBoundToCompiler = true }
  }
}

extension ImageEntry.Kind {
  /// Whether it is a symbolic link, whose mode means nothing.
  fileprivate var isLink: Bool {
    if case .symbolicLink = self { return true }
    return false
  }
}
