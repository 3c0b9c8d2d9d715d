/// The tar of what a package installs; every path is judged before the visitor sees it.
struct ImageTar {
  private enum Seen {
    case impliedDirectory
    case directory
    case file
    case link
  }

  private let limits: Gpkg.Limits
  /// By bytes: Swift's strings compare by canonical equivalence, file systems don't.
  private var seen: [[UInt8]: Seen] = [:]
  private var count = 0

  init(limits: Gpkg.Limits) { self.limits = limits }

  /// Shows every entry; returns where the tar ends in the unpacked stream.
  mutating func read(
    _ source: UnpackedSource, _ visitor: inout some GpkgVisitor
  ) throws(Gpkg.ReadError) -> Int64 {
    let reader = try ArchiveReader(.tar, part: .image, source: source)
    var check = HeaderCheck(.image, allowsLongNames: true)
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: ArchiveReader.chunk, alignment: 16)
    defer { buffer.deallocate() }
    while let header = try reader.next() {
      try check.passed(header)
      count += 1
      guard count <= limits.imageEntries else {
        throw .tooManyEntries(.image, limit: limits.imageEntries)
      }
      let entry = try entry(header)
      visitor.visit(entry)
      var left = entry.size
      while left > 0 {
        let got = try reader.read(into: buffer)
        guard got > 0, UInt64(got) <= left else { throw .damaged(.image, "cut off") }
        left -= UInt64(got)
        visitor.visit(content: UnsafeRawBufferPointer(rebasing: buffer[..<got]), of: entry)
      }
      visitor.leave(entry)
    }
    try check.reached(reader.position)
    return reader.position
  }

  private mutating func entry(_ header: ArchiveHeader) throws(Gpkg.ReadError) -> ImageEntry {
    guard let written = header.path else { throw .path("", .characters) }
    let path = try judged(written, isDirectory: header.type == .directory)
    let kind = try kind(header, written)
    guard header.size == 0 || kind == .file else { throw .ambiguousHeader(.image) }
    try note(path, written, kind)
    return ImageEntry(
      path: path, kind: kind, mode: header.mode & 0o7777, userID: header.userID,
      groupID: header.groupID, userName: header.userName, groupName: header.groupName,
      size: UInt64(header.size), modified: header.modified)
  }

  /// The path below the image.
  private func judged(
    _ written: String, isDirectory: Bool
  ) throws(Gpkg.ReadError) -> String {
    guard written.utf8.count <= limits.pathBytes else { throw .path("", .tooLong) }
    guard written.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
      throw .path(written, .characters)
    }
    if written.utf8.first == UInt8(ascii: "/") { throw .path(written, .absolute) }
    var parts = written.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    if isDirectory, parts.count > 1, parts.last?.isEmpty == true { parts.removeLast() }
    for part in parts {
      if part.elementsEqual("..".utf8) { throw .path(written, .climbing) }
      if part.isEmpty || part.elementsEqual(".".utf8) { throw .path(written, .notNormal) }
    }
    guard let first = parts.first, first.elementsEqual("image".utf8), parts.count > 1 || isDirectory
    else { throw .path(written, .outside) }
    guard let start = parts.dropFirst().first?.startIndex, let end = parts.last?.endIndex else {
      return ""
    }
    return String(written[start..<end])
  }

  private func kind(
    _ header: ArchiveHeader, _ written: String
  ) throws(Gpkg.ReadError) -> ImageEntry.Kind {
    if header.isHardLink {
      guard let target = header.hardLink, header.type != .directory else {
        throw .hardLink(written)
      }
      let path = try judged(target, isDirectory: false)
      guard case .file? = seen[Array(path.utf8)] else { throw .hardLink(written) }
      return .hardLink(target: path)
    }
    switch header.type {
    case .file: return .file
    case .directory: return .directory
    case .other: throw .entryType(written)
    case .symbolicLink:
      guard let target = header.symbolicLink, !target.isEmpty,
        target.utf8.count <= limits.pathBytes,
        target.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f })
      else { throw .linkTarget(written) }
      return .symbolicLink(target: target)
    }
  }

  /// Notes the entry and the directories above it; none of those may be a file or a link, now or later.
  private mutating func note(
    _ path: String, _ written: String, _ kind: ImageEntry.Kind
  ) throws(Gpkg.ReadError) {
    let bytes = Array(path.utf8)
    for (place, byte) in bytes.enumerated() where byte == UInt8(ascii: "/") {
      let above = Array(bytes[..<place])
      switch seen[above] {
      case .directory, .impliedDirectory: continue
      case .file, .link: throw .path(written, .throughNonDirectory)
      case nil: seen[above] = .impliedDirectory
      }
    }
    switch (seen[bytes], kind) {
    case (nil, _), (.impliedDirectory, .directory): break
    case (.impliedDirectory, _): throw .path(written, .throughNonDirectory)
    default: throw .path(written, .duplicate)
    }
    seen[bytes] =
      switch kind {
      case .file, .hardLink: .file
      case .directory: .directory
      case .symbolicLink: .link
      }
  }
}
