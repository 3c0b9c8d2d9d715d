#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A regular file, read from its start.
final class FileSource: ArchiveSource {
  private let descriptor: Int32
  private var position = 0
  let size: UInt64

  init(path: String, limit: UInt64) throws(Gpkg.ReadError) {
    // A FIFO would block at the open, before its type is known.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .cannotRead(errno: errno) }
    self.descriptor = descriptor
    var status = stat()
    let result = fstat(descriptor, &status)
    size = UInt64(max(status.st_size, 0))
    guard result == 0 else { throw .cannotRead(errno: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
    guard size <= limit else { throw .fileTooLarge(size, limit: limit) }
  }

  deinit { close(descriptor) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Gpkg.ReadError) -> Int {
    let count = try retry { pread(descriptor, buffer.baseAddress, buffer.count, position) }
    position += count
    return count
  }

  /// Whether all bytes from `offset` to the end are zero.
  func isZero(from offset: Int64) throws(Gpkg.ReadError) -> Bool {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: ArchiveReader.chunk, alignment: 16)
    defer { buffer.deallocate() }
    var offset = Int(offset)
    while true {
      let count = try retry { pread(descriptor, buffer.baseAddress, buffer.count, offset) }
      if count == 0 { return true }
      guard buffer[..<count].allSatisfy({ $0 == 0 }) else { return false }
      offset += count
    }
  }

  private func retry(_ call: () -> Int) throws(Gpkg.ReadError) -> Int {
    while true {
      let count = call()
      if count >= 0 { return count }
      guard errno == EINTR else { throw .cannotRead(errno: errno) }
    }
  }
}

/// Bytes in memory.
final class MemorySource: ArchiveSource {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, bytes.count - position)
    buffer.copyBytes(from: bytes[position..<position + count])
    position += count
    return count
  }
}

/// The content of the container's current member, digested as it passes.
final class MemberSource: ArchiveSource {
  private let container: ArchiveReader
  private var digest: any MemberDigest
  private(set) var count: Int64 = 0

  init(_ container: ArchiveReader, digest: any MemberDigest) {
    self.container = container
    self.digest = digest
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Gpkg.ReadError) -> Int {
    let got = try container.read(into: buffer)
    count += Int64(got)
    digest.update(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
    return got
  }

  /// Reads what is left, at most `limit` bytes of it kept.
  func rest(limit: Int) throws(Gpkg.ReadError) -> [UInt8]? {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
    defer { buffer.deallocate() }
    var kept: [UInt8] = []
    while true {
      let got = try read(into: buffer)
      if got == 0 { return kept }
      kept.append(contentsOf: buffer[..<got])
      if kept.count > limit { return nil }
    }
  }

  func finish() -> [String: String] { digest.finish() }
}

/// A member's content unpacked, within the bounds of size and ratio.
final class UnpackedSource: ArchiveSource {
  private let reader: ArchiveReader
  private let member: MemberSource
  private let part: Gpkg.Part
  private let limit: UInt64
  private let limits: Gpkg.Limits
  private var count: UInt64 = 0
  /// Where the bytes that are not zero end.
  private var contentEnd: UInt64 = 0

  init(
    _ member: MemberSource, filter: ArchiveFilter, part: Gpkg.Part, limits: Gpkg.Limits
  ) throws(Gpkg.ReadError) {
    self.member = member
    self.part = part
    self.limits = limits
    limit = part == .metadata ? limits.metadataBytes : limits.imageBytes
    reader = try ArchiveReader(.raw, filter: filter, part: part, source: member)
    guard try reader.next() != nil else { throw .damaged(part, "empty") }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Gpkg.ReadError) -> Int {
    let got = try reader.read(into: buffer)
    if let last = buffer[..<got].lastIndex(where: { $0 != 0 }) {
      contentEnd = count + UInt64(last) + 1
    }
    count += UInt64(got)
    guard count <= limit else { throw .tooLarge(part, limit: limit) }
    let packed = UInt64(max(member.count, 1))
    guard count <= limits.freeBytes || count / packed <= limits.ratio else {
      throw .ratio(part, limit: limits.ratio)
    }
    return got
  }

  /// Reads to the end; only zeros may follow `end`, and nothing the packed data.
  func finish(end: Int64, memberSize: Int64) throws(Gpkg.ReadError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: ArchiveReader.chunk, alignment: 16)
    defer { buffer.deallocate() }
    while try read(into: buffer) > 0 {}
    guard contentEnd <= UInt64(max(end, 0)), reader.consumed == memberSize else {
      throw .trailingBytes(part)
    }
  }
}
