extension Gpkg {
  /// Reads a package from `path`, shows its image to `visitor` and returns its metadata.
  ///
  /// Nothing is written to disk. Order and names of the members, the Manifest's sizes and digests
  /// (those that `digest` computes; at least one per member), and all bounds are checked; the first
  /// violation ends the reading. OpenPGP signatures are not looked at.
  public static func read(
    path: String, limits: Limits = Limits(), digest: @escaping () -> any MemberDigest,
    visitor: inout some GpkgVisitor
  ) throws(ReadError) -> GpkgMetadata {
    let file = try FileSource(path: path, limit: limits.fileBytes)
    let reader = try ArchiveReader(.tar, part: .container, source: file)
    var walk = GpkgWalk(reader, limits: limits, digest: digest)
    let metadata = try walk.run(&visitor)
    guard try file.isZero(from: reader.position) else { throw .trailingBytes(.container) }
    return metadata
  }
}

/// One pass over the members of a container, in their order (GLEP 78, "The container format").
struct GpkgWalk {
  private let reader: ArchiveReader
  private let limits: Gpkg.Limits
  private let digest: () -> any MemberDigest
  private var check = HeaderCheck(.container, allowsLongNames: false)
  private var directory = ""
  private var manifest = GpkgManifest()

  init(_ reader: ArchiveReader, limits: Gpkg.Limits, digest: @escaping () -> any MemberDigest) {
    self.reader = reader
    self.limits = limits
    self.digest = digest
  }

  mutating func run(_ visitor: inout some GpkgVisitor) throws(Gpkg.ReadError) -> GpkgMetadata {
    try marker()
    let files: [String: [UInt8]]
    var member = try next("metadata.tar")
    files = try metadata(member)
    member = try next("image.tar")
    let metadataSigned = try signature(of: "metadata.tar", &member)
    try image(member, &visitor)
    member = try next("Manifest")
    let imageSigned = try signature(of: "image.tar", &member)
    try readManifest(member)
    if let surplus = try header() { throw .unexpectedMember(surplus.name) }
    try check.reached(reader.position)
    return GpkgMetadata(
      container: directory, files: files, hasSignatures: metadataSigned || imageSigned)
  }

  private struct Member {
    var name: String
    var size: Int64
  }

  private mutating func header() throws(Gpkg.ReadError) -> Member? {
    guard let header = try reader.next() else { return nil }
    try check.passed(header)
    let path = header.path ?? ""
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, NameRules.isCategoryOrSlot(parts[0]) else {
      throw .unexpectedMember(path)
    }
    if directory.isEmpty { directory = String(parts[0]) }
    guard parts[0] == directory else { throw .unexpectedMember(path) }
    guard header.type == .file, !header.isHardLink else { throw .badMember(path) }
    return Member(name: String(parts[1]), size: header.size)
  }

  private mutating func next(_ expected: String) throws(Gpkg.ReadError) -> Member {
    guard let member = try header() else { throw .missingMember(expected) }
    return member
  }

  /// The first member, `gpkg-1`; its content says nothing and is bounded.
  private mutating func marker() throws(Gpkg.ReadError) {
    let member = try next("gpkg-1")
    guard member.name == "gpkg-1" else { throw .unexpectedMember(member.name) }
    _ = try small(member, limit: 4096)
  }

  /// Passes over the signature of the member before, and moves on to the next.
  private mutating func signature(
    of signed: String, _ member: inout Member
  ) throws(Gpkg.ReadError) -> Bool {
    guard member.name.hasPrefix(signed), member.name.hasSuffix(".sig") else { return false }
    let name = member.name.dropLast(4)
    guard manifest.has(String(name)) else { throw .unexpectedMember(member.name) }
    _ = try small(member, limit: 65_536)
    member = try next(signed == "metadata.tar" ? "image.tar" : "Manifest")
    return true
  }

  private mutating func small(_ member: Member, limit: Int) throws(Gpkg.ReadError) -> [UInt8] {
    let source = MemberSource(reader, digest: digest())
    guard let bytes = try source.rest(limit: limit) else { throw .badMember(member.name) }
    manifest.saw(member.name, size: source.count, digests: source.finish())
    return bytes
  }

  private func filter(of member: Member, _ stem: String) throws(Gpkg.ReadError) -> ArchiveFilter {
    guard member.name.hasPrefix(stem) else { throw .unexpectedMember(member.name) }
    guard let filter = ArchiveFilter(rawValue: String(member.name.dropFirst(stem.count))) else {
      throw .compression(member.name)
    }
    return filter
  }

  private mutating func metadata(_ member: Member) throws(Gpkg.ReadError) -> [String: [UInt8]] {
    let filter = try filter(of: member, "metadata.tar")
    let source = MemberSource(reader, digest: digest())
    let unpacked = try UnpackedSource(source, filter: filter, part: .metadata, limits: limits)
    let (files, end) = try MetadataTar.read(unpacked, limits: limits)
    try finish(member, source, unpacked, end: end)
    return files
  }

  private mutating func image(
    _ member: Member, _ visitor: inout some GpkgVisitor
  ) throws(Gpkg.ReadError) {
    let filter = try filter(of: member, "image.tar")
    let source = MemberSource(reader, digest: digest())
    let unpacked = try UnpackedSource(source, filter: filter, part: .image, limits: limits)
    var tar = ImageTar(limits: limits)
    let end = try tar.read(unpacked, &visitor)
    try finish(member, source, unpacked, end: end)
  }

  private mutating func finish(
    _ member: Member, _ source: MemberSource, _ unpacked: UnpackedSource, end: Int64
  ) throws(Gpkg.ReadError) {
    try unpacked.finish(end: end, memberSize: member.size)
    manifest.saw(member.name, size: source.count, digests: source.finish())
  }

  private mutating func readManifest(_ member: Member) throws(Gpkg.ReadError) {
    guard member.name == "Manifest" else { throw .unexpectedMember(member.name) }
    let source = MemberSource(reader, digest: digest())
    guard let bytes = try source.rest(limit: 65_536) else { throw .badMember(member.name) }
    do {
      try manifest.check(bytes)
    } catch {
      throw .manifest(error)
    }
  }
}
