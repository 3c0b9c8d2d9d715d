import CZlib

/// Gzip (RFC 1952) by zlib.
public enum Gzip {
  /// Why bytes could not be unpacked.
  public enum UnpackError: Error, Equatable, Sendable {
    /// The content is longer than the bound, in bytes.
    case tooLong(limit: Int)
    /// Not gzip, or damaged, or cut off.
    case damaged
  }

  static let chunk = 65_536

  /// Packs bytes at once; the header carries neither name nor time, so equal input gives equal output.
  public static func packed(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    let packer = GzipPacker<Never> { result.append(contentsOf: $0) }
    packer.append(bytes)
    packer.finish()
    return result
  }

  /// Unpacks bytes whose content is at most `limit` long; several members one after another are read as one.
  public static func unpacked(_ bytes: [UInt8], limit: Int) throws(UnpackError) -> [UInt8] {
    // zlib's state remembers the address, so it may not move.
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    let size = Int32(MemoryLayout<z_stream>.size)
    var result: [UInt8] = []
    let status = bytes.withUnsafeBufferPointer { input -> Int32 in
      // zlib never writes to its input; `next_in` lacks `const` for old compilers' sake.
      stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.pointee.avail_in = UInt32(clamping: input.count)
      guard inflateInit2_(stream, 31, ZLIB_VERSION, size) == Z_OK else { return Z_MEM_ERROR }
      defer { inflateEnd(stream) }
      return drain(stream, into: &result, limit: limit)
    }
    guard status == Z_STREAM_END else {
      throw result.count > limit ? .tooLong(limit: limit) : .damaged
    }
    return result
  }

  private static func drain(
    _ stream: UnsafeMutablePointer<z_stream>, into result: inout [UInt8], limit: Int
  ) -> Int32 {
    var window = [UInt8](repeating: 0, count: chunk)
    while true {
      let status = window.withUnsafeMutableBufferPointer { output -> Int32 in
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(chunk)
        return inflate(stream, Z_NO_FLUSH)
      }
      let made = chunk - Int(stream.pointee.avail_out)
      result.append(contentsOf: window[..<made])
      if result.count > limit { return Z_BUF_ERROR }
      if status == Z_STREAM_END, stream.pointee.avail_in > 0 {
        guard inflateReset(stream) == Z_OK else { return Z_DATA_ERROR }
        continue
      }
      guard status == Z_OK else { return status }
    }
  }
}

/// Packs a stream piece by piece into gzip.
///
/// The state of zlib holds its own address, so this is a class that owns one allocation.
public final class GzipPacker<Failure: Error> {
  private let stream: UnsafeMutablePointer<z_stream>
  private let sink: ([UInt8]) throws(Failure) -> Void

  /// Begins a gzip stream; `level` as zlib has it, 1 fast to 9 small.
  public init(level: Int32 = 6, to sink: @escaping ([UInt8]) throws(Failure) -> Void) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    self.sink = sink
    let size = Int32(MemoryLayout<z_stream>.size)
    let status = deflateInit2_(
      stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
    precondition(status == Z_OK, "zlib refused level \(level): \(status)")
  }

  deinit {
    deflateEnd(stream)
    stream.deinitialize(count: 1)
    stream.deallocate()
  }

  /// Packs bytes; the sink gets what is ready, in chunks of at most 64 KiB.
  public func append(_ bytes: [UInt8]) throws(Failure) {
    try run(bytes, flush: Z_NO_FLUSH)
  }

  /// Ends the stream; nothing may be appended after it.
  public func finish() throws(Failure) {
    try run([], flush: Z_FINISH)
  }

  private func run(_ bytes: [UInt8], flush: Int32) throws(Failure) {
    var offset = 0
    repeat {
      let made = step(bytes, &offset, flush: flush)
      if !made.isEmpty { try sink(made) }
      if made.count < Gzip.chunk, offset == bytes.count { return }
    } while true
  }

  /// One call of zlib over the rest of `bytes`; moves `offset` over what it took.
  private func step(_ bytes: [UInt8], _ offset: inout Int, flush: Int32) -> [UInt8] {
    let taken = offset
    let chunk = Gzip.chunk
    var consumed = 0
    let made = [UInt8](unsafeUninitializedCapacity: chunk) { output, count in
      bytes.withUnsafeBufferPointer { input in
        // zlib never writes to its input; `next_in` lacks `const` for old compilers' sake.
        stream.pointee.next_in = input.baseAddress.map {
          UnsafeMutablePointer(mutating: $0 + taken)
        }
        let rest = UInt32(clamping: input.count - taken)
        stream.pointee.avail_in = rest
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(chunk)
        deflate(stream, flush)
        consumed = Int(rest - stream.pointee.avail_in)
      }
      count = chunk - Int(stream.pointee.avail_out)
    }
    offset += consumed
    return made
  }
}
