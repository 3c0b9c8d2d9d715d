import Glibc
import Portage

/// Writes one generation: files into the pool, the index into a directory, then the switch.
struct GenerationWriter {
  let directory: String
  let files: IndexFiles
  let timestamp: Int64

  func write(
    _ listings: some Collection<BinhostListing>, header: [String: String],
    after current: BinhostGeneration?, mustBeNew: Bool
  ) throws -> BinhostDirectory.Publication {
    let (refused, problems) = try fillPool(listings)
    let count = listings.count - refused.count
    let path = "\(directory)/\(timestamp)"
    let temporary = path + ".new"
    do {
      try files.makeDirectory(temporary)
      let plain = try writeIndex(
        listings, but: refused, count: count, header: header, to: temporary + "/Packages")
      if !mustBeNew, let current, Self.isSameIndex(temporary, current.path) {
        try files.removeGeneration(temporary)
        return BinhostDirectory.Publication(
          generation: current, listed: count, refused: problems, isNew: false)
      }
      try pack(temporary + "/Packages", to: temporary + "/Packages.gz")
      try plain.sync()
      // Every category of the pool, not only those listed: an emerge that read the former index
      // fetches through this generation.
      for category in files.names(in: directory + "/pool") {
        try files.symlink("../pool/\(category)", at: "\(temporary)/\(category)")
      }
      try files.syncDirectory(temporary)
      try files.rename(temporary, to: path)
      try files.symlink(String(timestamp), at: directory + "/current.new")
      try files.rename(directory + "/current.new", to: directory + "/current")
      try files.syncDirectory(directory)
    } catch {
      try? files.remove(directory + "/current.new")
      try? files.removeGeneration(temporary)
      throw error
    }
    return BinhostDirectory.Publication(
      generation: BinhostGeneration(timestamp: timestamp, path: path), listed: count,
      refused: problems, isNew: true)
  }

  /// Links what is new into the pool; returns the places of the listings to leave out.
  private func fillPool(
    _ listings: some Collection<BinhostListing>
  ) throws -> (Set<Int>, [RefusedListing]) {
    var refused: Set<Int> = []
    var problems: [RefusedListing] = []
    var seen: Set<String> = []
    var changed: Set<String> = []
    for (place, listing) in listings.enumerated() {
      if let reason = try problem(of: listing, &seen, &changed) {
        refused.insert(place)
        let cpv = String((listing.entry["CPV"] ?? "?").prefix(200))
        problems.append(RefusedListing(cpv: cpv, reason: reason))
      }
    }
    try files.syncDirectories(changed)
    return (refused, problems)
  }

  private func problem(
    of listing: BinhostListing, _ seen: inout Set<String>, _ changed: inout Set<String>
  ) throws -> String? {
    let entry = listing.entry
    if let problem = entry.problem { return "Portage would not read its entry: \(problem)" }
    guard let path = entry.path, path.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 2 else {
      return "its PATH is not category/package/file"
    }
    guard let size = entry["SIZE"].flatMap({ Int64($0) }) else { return "its entry lacks SIZE" }
    guard entry["MD5"] != nil || entry["SHA1"] != nil else {
      return "its entry has neither MD5 nor SHA1"
    }
    guard let file = files.status(listing.file), file.isPlain else {
      return "the file is not here"
    }
    guard file.size == size else {
      return "the file has \(file.size) bytes instead of \(size)"
    }
    guard seen.insert(path).inserted else { return "another package has the same PATH" }

    let place = "\(directory)/pool/\(path)"
    let parent = String(place[..<(place.lastIndex(of: "/") ?? place.endIndex)])
    if let linked = files.status(place) {
      if linked.isSameFile(as: file) { return nil }
      // The blob was removed and fetched again: same bytes, another inode.
      let temporary = place + ".new"
      try files.remove(temporary)
      try files.link(listing.file, to: temporary)
      try files.rename(temporary, to: place)
    } else {
      try files.makeDirectory(parent)
      try files.link(listing.file, to: place)
    }
    changed.insert(parent)
    return nil
  }

  private func writeIndex(
    _ listings: some Collection<BinhostListing>, but refused: Set<Int>, count: Int,
    header: [String: String], to path: String
  ) throws -> IndexFile {
    let file = try IndexFile(creating: path, on: files)
    var fields = header
    fields["VERSION"] = "0"
    fields["TIMESTAMP"] = String(timestamp)
    // A TTL would stop Portage from asking at all.
    fields["TTL"] = nil
    var writer = try PackagesWriter<any Error>(header: fields, count: count) {
      try file.append($0)
    }
    for (place, listing) in listings.enumerated() where !refused.contains(place) {
      try writer.append(listing.entry)
    }
    try writer.finish()
    return file
  }

  private func pack(_ path: String, to packed: String) throws {
    guard let source = ReadableFile(path) else {
      throw BinhostFileError(operation: "open", path: path, code: EIO)
    }
    let target = try IndexFile(creating: packed, on: files)
    // Level 1: the index is read on this machine or the LAN, and written often.
    let packer = GzipPacker<any Error>(level: 1) { try target.append($0) }
    var offset: UInt64 = 0
    while offset < source.size {
      let bytes = source.read(count: 1 << 20, at: offset)
      guard !bytes.isEmpty else {
        throw BinhostFileError(operation: "read", path: path, code: EIO)
      }
      try packer.append(bytes)
      offset += UInt64(bytes.count)
    }
    try packer.finish()
    try target.sync()
  }

  /// Whether two generations' indices differ in nothing but their time.
  static func isSameIndex(_ left: String, _ right: String) -> Bool {
    guard let a = ReadableFile(left + "/Packages"), let b = ReadableFile(right + "/Packages"),
      a.size == b.size, ReadableFile(right + "/Packages.gz") != nil
    else { return false }
    var offset: UInt64 = 0
    while offset < a.size {
      var one = a.read(count: 1 << 20, at: offset)
      var other = b.read(count: 1 << 20, at: offset)
      if offset == 0 {
        IndexHeader.clearTimestamp(in: &one)
        IndexHeader.clearTimestamp(in: &other)
      }
      guard !one.isEmpty, one == other else { return false }
      offset += UInt64(one.count)
    }
    return true
  }
}
