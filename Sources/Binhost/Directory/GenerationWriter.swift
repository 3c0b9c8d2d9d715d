import Dispatch
import Glibc
import Portage
import Synchronization

/// Writes one generation: files into the pool, the index into a directory, then the switch.
struct GenerationWriter {
  let directory: String
  let files: IndexFiles
  let timestamp: Int64

  func write(
    _ listings: some RandomAccessCollection<BinhostListing> & Sendable, header: [String: String],
    after current: BinhostGeneration?, mustBeNew: Bool
  ) throws -> BinhostDirectory.Publication {
    let (refused, problems, paths) = try fillPool(listings)
    let count = listings.count - refused.count
    let path = "\(directory)/\(timestamp)"
    let temporary = path + ".new"
    do {
      try files.makeDirectory(temporary)
      try writeIndex(
        listings, but: refused, count: count, header: header, to: temporary + "/Packages")
      if !mustBeNew, let current, Self.isSameIndex(temporary, current.path) {
        try files.removeGeneration(temporary)
        return BinhostDirectory.Publication(
          generation: current, listed: count, refused: problems, isNew: false)
      }
      try both(
        { try pack(temporary + "/Packages", to: temporary + "/Packages.gz") },
        { try files.syncFile(temporary + "/Packages") })
      // Every category of the pool, not only those listed: an emerge that read the former index
      // fetches through this generation.
      for category in files.names(in: directory + "/pool") {
        try files.symlink("../pool/\(category)", at: "\(temporary)/\(category)")
      }
      try files.syncDirectory(temporary)
      markDropped(from: current, keeping: paths)
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

  /// Dates the files of the former index that the new one lacks, so that the pool keeps them from now on
  /// for the time that it keeps such files, whoever forgets that they were listed.
  private func markDropped(from current: BinhostGeneration?, keeping kept: Set<String>) {
    // A damaged index must not keep a new one from being written.
    guard let former = try? IndexPaths.read(current) else { return }
    for path in former.subtracting(kept) where PackagesEntry.isSafePath(path) {
      files.touch("\(directory)/pool/\(path)")
    }
  }

  /// Links what is new into the pool; returns the places of the listings to leave out and the
  /// paths of the others.
  private func fillPool(
    _ listings: some RandomAccessCollection<BinhostListing> & Sendable
  ) throws -> (refused: Set<Int>, problems: [RefusedListing], paths: Set<String>) {
    let found = PoolCheck(pool: directory + "/pool", files: files).run(listings)
    var refused: Set<Int> = []
    var problems: [RefusedListing] = []
    var seen: Set<String> = []
    seen.reserveCapacity(found.count)
    var changed: Set<String> = []
    func refuse(_ place: Int, _ cpv: String, _ reason: String) {
      refused.insert(place)
      problems.append(RefusedListing(cpv: String(cpv.prefix(200)), reason: reason))
    }
    for (place, (listing, state)) in zip(listings, found).enumerated() {
      switch state {
      case .refused(let cpv, let reason): refuse(place, cpv, reason)
      case .sound(let cpv, let path, let link):
        guard seen.insert(path).inserted else {
          refuse(place, cpv, "another package has the same PATH")
          continue
        }
        if link != .isThere {
          changed.insert(try self.link(listing.file, to: path, replacing: link == .isOther))
        }
      }
    }
    try files.syncDirectories(changed)
    return (refused, problems, seen)
  }

  /// Links a file into the pool; returns the directory that changed.
  private func link(_ file: String, to path: String, replacing: Bool) throws -> String {
    let place = "\(directory)/pool/\(path)"
    let parent = String(place[..<(place.lastIndex(of: "/") ?? place.endIndex)])
    if replacing {
      // The blob was removed and fetched again: same bytes, another inode.
      let temporary = place + ".new"
      try files.remove(temporary)
      try files.link(file, to: temporary)
      try files.rename(temporary, to: place)
    } else {
      try files.makeDirectory(parent)
      try files.link(file, to: place)
    }
    return parent
  }

  private func writeIndex(
    _ listings: some RandomAccessCollection<BinhostListing>, but refused: Set<Int>, count: Int,
    header: [String: String], to path: String
  ) throws {
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
  }

  /// Does two things at once; throws the first one's error, else the second one's.
  private func both(
    _ first: @Sendable () throws -> Void, _ second: @Sendable () throws -> Void
  ) throws {
    let errors = Mutex<[Int: any Error]>([:])
    DispatchQueue.concurrentPerform(iterations: 2) { number in
      do {
        try number == 0 ? first() : second()
      } catch {
        errors.withLock { $0[number] = error }
      }
    }
    if let error = errors.withLock({ $0[0] ?? $0[1] }) { throw error }
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
