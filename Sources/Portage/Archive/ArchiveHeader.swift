import CArchive

/// What libarchive says of one entry, copied out of its memory.
struct ArchiveHeader {
  enum FileType {
    case file
    case directory
    case symbolicLink
    case other
  }

  /// Nil where the name is no UTF-8.
  let path: String?
  let type: FileType
  let hardLink: String?
  let symbolicLink: String?
  let isHardLink: Bool
  let isSparse: Bool
  let size: Int64
  let mode: UInt32
  let userID: Int64
  let groupID: Int64
  let userName: String
  let groupName: String
  let modified: Int64
  /// Where its first header block begins in the unpacked stream.
  let position: Int64

  init(_ entry: OpaquePointer, position: Int64) {
    self.position = position
    path = Self.text(archive_entry_pathname(entry))
    isHardLink = archive_entry_hardlink(entry) != nil
    hardLink = Self.text(archive_entry_hardlink(entry))
    symbolicLink = Self.text(archive_entry_symlink(entry))
    isSparse = archive_entry_sparse_count(entry) > 0
    size = archive_entry_size_is_set(entry) != 0 ? archive_entry_size(entry) : 0
    mode = UInt32(archive_entry_perm(entry))
    userID = archive_entry_uid(entry)
    groupID = archive_entry_gid(entry)
    userName = Self.text(archive_entry_uname(entry)) ?? ""
    groupName = Self.text(archive_entry_gname(entry)) ?? ""
    modified = Int64(archive_entry_mtime(entry))
    type =
      switch UInt32(archive_entry_filetype(entry)) {
      case 0o100000: .file
      case 0o040000: .directory
      case 0o120000: .symbolicLink
      default: .other
      }
  }

  private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
    guard let pointer else { return nil }
    return String(validatingCString: pointer)
  }
}

/// Follows the headers of a tar and refuses those that leave bytes unexplained.
///
/// Readers differ in how they see extended headers (pax), sparse files and overlaps; Portage
/// writes none, so only plain headers and GNU's long names pass. What libarchive shows then is
/// what Portage will unpack.
struct HeaderCheck {
  let part: Gpkg.Part
  let allowsLongNames: Bool
  private var last: ArchiveHeader?

  init(_ part: Gpkg.Part, allowsLongNames: Bool) {
    self.part = part
    self.allowsLongNames = allowsLongNames
  }

  mutating func passed(_ header: ArchiveHeader) throws(Gpkg.ReadError) {
    guard !header.isSparse, header.size >= 0, header.size < 1 << 48 else {
      throw .ambiguousHeader(part)
    }
    try reached(header.position)
    last = header
  }

  /// Checks the distance from the last header to `position`, the next one or the end.
  func reached(_ position: Int64) throws(Gpkg.ReadError) {
    guard let last else {
      if position == 0 { return }
      throw .ambiguousHeader(part)
    }
    let extra = position - last.position - 512 - Self.padded(last.size)
    if extra == 0 { return }
    guard allowsLongNames, longNames(last).contains(extra) else { throw .ambiguousHeader(part) }
  }

  /// The bytes that GNU's headers for a long name, a long link target or both take.
  private func longNames(_ header: ArchiveHeader) -> Set<Int64> {
    let path = Self.longName(header.path)
    let link = Self.longName(header.hardLink ?? header.symbolicLink)
    var sums = path.union(link)
    for one in path {
      for other in link { sums.insert(one + other) }
    }
    return sums
  }

  private static func longName(_ text: String?) -> Set<Int64> {
    guard let count = text?.utf8.count, count >= 100 else { return [] }
    // The length may or may not count a closing NUL.
    return [512 + padded(Int64(count)), 512 + padded(Int64(count) + 1)]
  }

  private static func padded(_ size: Int64) -> Int64 { (size + 511) / 512 * 512 }
}
