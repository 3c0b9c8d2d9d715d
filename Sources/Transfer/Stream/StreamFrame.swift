import Wire

/// One part of a packet of a UDP stream.
///
/// Numbers are of 1, 2, 4 or 8 bytes, the first two bits say which (RFC 9000 §16).
enum StreamFrame: Equatable, Sendable {
  /// Ask for an acknowledgement.
  case ping
  /// Packets that came, the newest range first, and how long the newest waited here.
  case acknowledgement(delay: Duration, ranges: [ClosedRange<UInt64>])
  /// Bytes at an offset, where they lie in the packet; `isLast` if the stream ends with them.
  case bytes(offset: UInt64, range: Range<Int>, isLast: Bool)
  /// The offset up to which the receiver has room.
  case credit(UInt64)
  /// The stream ends at once, and what is on its way is void.
  case reset(UInt64)
  /// Proves a path: the same eight bytes come back.
  case challenge(UInt64)
  case response(UInt64)

  /// Why a packet is not made of frames.
  enum DecodeError: Error, Equatable, Sendable {
    /// It ends inside a frame.
    case truncated
    /// A kind that is not known.
    case unknownKind(UInt8)
    /// More ranges than `rangeLimit`, or ranges that don't fall.
    case badRanges
    /// Bytes whose offsets don't fit.
    case badOffset
  }

  /// The ranges in one acknowledgement.
  static let rangeLimit = 32
  /// No stream is longer, so that no sum of an offset and a length overflows.
  static let offsetLimit: UInt64 = 1 << 62 - 1

  enum Kind {
    static let padding: UInt8 = 0
    static let ping: UInt8 = 1
    static let acknowledgement: UInt8 = 2
    static let bytes: UInt8 = 3
    static let lastBytes: UInt8 = 4
    static let credit: UInt8 = 5
    static let reset: UInt8 = 6
    static let challenge: UInt8 = 7
    static let response: UInt8 = 8
  }

  /// Whether the frame wants an acknowledgement.
  var isEliciting: Bool {
    switch self {
    case .acknowledgement, .challenge, .response: false
    case .ping, .bytes, .credit, .reset: true
    }
  }
}

/// Reads the frames of a packet one after another.
struct StreamFrameReader {
  private let packet: UnsafeRawBufferPointer
  private var at = 0

  /// The frames of a packet that is opened; `packet` must outlive the reader.
  init(_ packet: UnsafeRawBufferPointer) {
    self.packet = packet
  }

  /// The next frame; nil at the end.
  mutating func next() throws(StreamFrame.DecodeError) -> StreamFrame? {
    while at < packet.count, packet[at] == StreamFrame.Kind.padding { at += 1 }
    guard at < packet.count else { return nil }
    let kind = packet[at]
    at += 1
    switch kind {
    case StreamFrame.Kind.ping: return .ping
    case StreamFrame.Kind.acknowledgement: return try acknowledgement()
    case StreamFrame.Kind.bytes: return try bytes(isLast: false)
    case StreamFrame.Kind.lastBytes: return try bytes(isLast: true)
    case StreamFrame.Kind.credit: return .credit(try number())
    case StreamFrame.Kind.reset: return .reset(try number())
    case StreamFrame.Kind.challenge: return .challenge(try word())
    case StreamFrame.Kind.response: return .response(try word())
    default: throw .unknownKind(kind)
    }
  }

  private mutating func acknowledgement() throws(StreamFrame.DecodeError) -> StreamFrame {
    var newest = try number()
    let delay = Duration.microseconds(Int64(min(try number(), 10_000_000)))
    let count = Int(clamping: try number())
    guard (1...StreamFrame.rangeLimit).contains(count) else { throw .badRanges }
    var ranges: [ClosedRange<UInt64>] = []
    ranges.reserveCapacity(count)
    for index in 0..<count {
      if index > 0 {
        // At least one number lies between two ranges.
        let gap = try number()
        guard let last = ranges.last, gap >= 1, last.lowerBound > gap else { throw .badRanges }
        newest = last.lowerBound - gap - 1
      }
      let length = try number()
      guard length <= newest else { throw .badRanges }
      ranges.append(newest - length...newest)
    }
    return .acknowledgement(delay: delay, ranges: ranges)
  }

  private mutating func bytes(isLast: Bool) throws(StreamFrame.DecodeError) -> StreamFrame {
    let offset = try number()
    let count = Int(clamping: try number())
    guard count <= packet.count - at else { throw .truncated }
    guard offset <= StreamFrame.offsetLimit - UInt64(count) else { throw .badOffset }
    let range = at..<at + count
    at += count
    return .bytes(offset: offset, range: range, isLast: isLast)
  }

  private mutating func number() throws(StreamFrame.DecodeError) -> UInt64 {
    guard at < packet.count else { throw .truncated }
    let length = 1 << Int(packet[at] >> 6)
    guard length <= packet.count - at else { throw .truncated }
    var value = UInt64(packet[at] & 0x3F)
    for index in at + 1..<at + length { value = value << 8 | UInt64(packet[index]) }
    at += length
    return value
  }

  private mutating func word() throws(StreamFrame.DecodeError) -> UInt64 {
    guard packet.count - at >= 8 else { throw .truncated }
    var value: UInt64 = 0
    for index in at..<at + 8 { value = value << 8 | UInt64(packet[index]) }
    at += 8
    return value
  }
}

/// Writes frames to the end of a packet.
enum StreamFrameWriter {
  /// The bytes that a number takes.
  static func length(of value: UInt64) -> Int {
    switch value {
    case ..<(1 << 6): 1
    case ..<(1 << 14): 2
    case ..<(1 << 30): 4
    default: 8
    }
  }

  /// Appends a number, which is below 2^62.
  static func append(_ value: UInt64, to packet: inout [UInt8]) {
    switch length(of: value) {
    case 1: packet.append(UInt8(value))
    case 2:
      packet.append(0x40 | UInt8(value >> 8))
      packet.append(UInt8(truncatingIfNeeded: value))
    case 4: append(value | 0x8000_0000, bytes: 4, to: &packet)
    default: append(value | 0xC000_0000_0000_0000, bytes: 8, to: &packet)
    }
  }

  static func append(word: UInt64, to packet: inout [UInt8]) {
    append(word, bytes: 8, to: &packet)
  }

  static func acknowledgement(
    delay: Duration, ranges: OffsetRanges, to packet: inout [UInt8]
  ) {
    let newest = ranges.ranges.suffix(StreamFrame.rangeLimit)
    guard let last = newest.last else { return }
    packet.append(StreamFrame.Kind.acknowledgement)
    append(last.upperBound - 1, to: &packet)
    append(UInt64(clamping: delay.nanoseconds / 1_000), to: &packet)
    append(UInt64(newest.count), to: &packet)
    var above: UInt64?
    for range in newest.reversed() {
      if let above { append(above - range.upperBound, to: &packet) }
      append(UInt64(range.count) - 1, to: &packet)
      above = range.lowerBound
    }
  }

  private static func append(_ value: UInt64, bytes: Int, to packet: inout [UInt8]) {
    var shift = bytes * 8
    while shift > 0 {
      shift -= 8
      packet.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
    }
  }
}
