/// The tar of metadata files: `metadata/NAME`, regular files only.
enum MetadataTar {
  /// The files, and where the tar ends in the unpacked stream.
  static func read(
    _ source: UnpackedSource, limits: Gpkg.Limits
  ) throws(Gpkg.ReadError) -> (files: [String: [UInt8]], end: Int64) {
    let reader = try ArchiveReader(.tar, part: .metadata, source: source)
    var check = HeaderCheck(.metadata, allowsLongNames: true)
    var files: [String: [UInt8]] = [:]
    while let header = try reader.next() {
      try check.passed(header)
      let name = try name(header)
      guard files[name] == nil else { throw .path(name, .duplicate) }
      guard files.count < limits.metadataEntries else {
        throw .tooManyEntries(.metadata, limit: limits.metadataEntries)
      }
      guard header.size <= Int64(limits.metadataFileBytes) else {
        throw .metadataFileTooLarge(name, limit: limits.metadataFileBytes)
      }
      files[name] = try content(reader, size: Int(header.size))
    }
    try check.reached(reader.position)
    return (files, reader.position)
  }

  private static func name(_ header: ArchiveHeader) throws(Gpkg.ReadError) -> String {
    guard let path = header.path else { throw .path("", .characters) }
    guard header.type == .file, !header.isHardLink else { throw .entryType(path) }
    guard path.hasPrefix("metadata/") else { throw .path(path, .outside) }
    let name = path.dropFirst("metadata/".count)
    guard NameRules.isCategoryOrSlot(name) else { throw .path(path, .characters) }
    return String(name)
  }

  private static func content(
    _ reader: ArchiveReader, size: Int
  ) throws(Gpkg.ReadError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, 1), alignment: 16)
    defer { buffer.deallocate() }
    var filled = 0
    while filled < size {
      let got = try reader.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
      if got == 0 { throw .damaged(.metadata, "cut off") }
      filled += got
    }
    return Array(buffer[..<size])
  }
}
