import Wire

/// The receiving half of a stream: bytes in any order come in, bytes in order go out, and no more
/// memory is taken than was promised as credit.
struct IncomingBytes: Sendable {
  enum Fault: Error, Sendable {
    /// Bytes beyond the credit.
    case overCredit
    /// An end that another end or bytes contradict.
    case badEnd
    /// More gaps than loss explains.
    case tooManyGaps
  }

  private static let firstShare = 16
  private static let rangeLimit = 1 << 14

  private var window = ByteWindow()
  private var arrived = OffsetRanges()
  private(set) var consumed: UInt64 = 0
  private var end: UInt64?
  /// The offset up to which the peer may send.
  private(set) var credit: UInt64
  /// The bytes that are promised beyond what was consumed.
  private var span: Int
  private let largest: Int
  private var raisedAt: Instant
  /// The peer does not know the credit yet.
  var owesCredit = false

  init(window largest: Int, now: Instant) {
    self.largest = largest
    span = Self.firstCredit(largest)
    credit = UInt64(span)
    raisedAt = now
  }

  static func firstCredit(_ window: Int) -> Int { max(window / firstShare, 64 << 10) }

  private var inOrder: UInt64 {
    guard let first = arrived.first, first.lowerBound == 0 else { return 0 }
    return first.upperBound
  }

  /// The bytes that can be read now.
  var readable: Int { Int(inOrder - consumed) }

  /// Whether the peer said the end and everything up to it came.
  var isComplete: Bool { end == inOrder }

  /// Whether everything was read, to the end.
  var isDone: Bool { end == consumed }

  var allocated: Int { window.allocated }

  mutating func receive(
    _ bytes: UnsafeRawBufferPointer, at offset: UInt64, isLast: Bool
  ) throws(Fault) {
    let upper = offset + UInt64(bytes.count)
    guard upper <= credit else { throw .overCredit }
    if let end {
      guard upper <= end, !isLast || upper == end else { throw .badEnd }
    } else if isLast {
      guard upper >= arrived.ranges.last?.upperBound ?? 0 else { throw .badEnd }
      end = upper
    }
    // What was read already came again.
    guard upper > consumed else { return }
    let skip = offset < consumed ? Int(consumed - offset) : 0
    let fresh = UnsafeRawBufferPointer(rebasing: bytes[skip...])
    window.write(fresh, at: offset + UInt64(skip))
    arrived.insert(offset..<upper)
    guard arrived.ranges.count <= Self.rangeLimit else { throw .tooManyGaps }
  }

  /// Hands out at most `limit` bytes in order and gives their room back to the peer.
  mutating func read(
    _ limit: Int, now: Instant, roundTrip: Duration, _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    let count = min(limit, readable)
    guard count > 0 else { return }
    let range = consumed..<consumed + UInt64(count)
    window.read(range, body)
    consumed = range.upperBound
    window.release(below: consumed)
    if readable == 0 { window.trim() }
    guard end == nil, credit - consumed <= UInt64(span / 2) else { return }
    // Half the window was used up within two round trips: it holds the sender back.
    if now - raisedAt < roundTrip * 2 { span = min(largest, span * 2) }
    raisedAt = now
    credit = consumed + UInt64(span)
    owesCredit = true
  }
}
