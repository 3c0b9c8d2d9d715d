/// The sending half of a stream: what the application wrote and how far it arrived.
struct OutgoingBytes: Sendable {
  private var window = ByteWindow()
  /// What arrived, from the first byte on.
  private var acknowledged = OffsetRanges()
  /// What must be sent again.
  private var lost = OffsetRanges()
  /// The offset after the last byte written.
  private(set) var end: UInt64 = 0
  /// The first offset that never left.
  private(set) var unsent: UInt64 = 0
  /// The offset up to which the peer has room.
  private(set) var credit: UInt64
  private var isFinished = false
  /// The end itself must be said, like a byte.
  private var owesEnd = false
  private var isEndAcknowledged = false

  init(credit: UInt64) {
    self.credit = credit
  }

  private var arrived: UInt64 {
    guard let first = acknowledged.first, first.lowerBound == 0 else { return 0 }
    return first.upperBound
  }

  /// The bytes that are kept because they may have to be sent again.
  var buffered: Int { Int(end - arrived) }

  var allocated: Int { window.allocated }

  /// Whether the end was said and everything arrived.
  var isDone: Bool { isEndAcknowledged && arrived == end }

  var hasEnded: Bool { isFinished }

  /// Whether there is anything that may leave.
  var hasSomething: Bool {
    !lost.isEmpty || owesEnd || unsent < min(end, credit)
  }

  /// Whether only the peer's credit holds bytes back.
  var isBlocked: Bool { lost.isEmpty && unsent < end && unsent >= credit }

  mutating func write(_ bytes: UnsafeRawBufferPointer) {
    precondition(!isFinished, "written after the end")
    window.write(bytes, at: end)
    end += UInt64(bytes.count)
  }

  mutating func finish() {
    guard !isFinished else { return }
    isFinished = true
    owesEnd = true
  }

  mutating func raise(credit: UInt64) {
    self.credit = max(self.credit, credit)
  }

  /// The next bytes to send, at most `room`, and whether the stream ends with them.
  mutating func take(_ room: Int) -> (range: Range<UInt64>, isLast: Bool)? {
    guard hasSomething, room > 0 else { return nil }
    let range: Range<UInt64>
    if let first = lost.first {
      range = first.lowerBound..<min(first.upperBound, first.lowerBound + UInt64(room))
      lost.remove(range)
    } else {
      let limit = max(unsent, min(end, credit))
      range = unsent..<min(limit, unsent + UInt64(room))
      unsent = range.upperBound
    }
    let isLast = isFinished && range.upperBound == end
    if isLast { owesEnd = false }
    // Without bytes only the end is worth a frame.
    return range.isEmpty && !isLast ? nil : (range, isLast)
  }

  func read(_ range: Range<UInt64>, _ body: (UnsafeRawBufferPointer) -> Void) {
    window.read(range, body)
  }

  mutating func acknowledge(_ packet: SentPacket) {
    if packet.isLast { isEndAcknowledged = true }
    guard packet.length > 0 else { return }
    let range = packet.offset..<packet.offset + UInt64(packet.length)
    acknowledged.insert(range)
    if !lost.isEmpty { lost.remove(range) }
    window.release(below: arrived)
    if arrived == end { window.trim() }
  }

  /// A packet was lost: what of it did not arrive otherwise is sent again.
  mutating func lost(_ packet: SentPacket) {
    if packet.isLast, !isEndAcknowledged { owesEnd = true }
    guard packet.length > 0 else { return }
    lost.insert(packet.offset..<packet.offset + UInt64(packet.length))
    for range in acknowledged.ranges where range.upperBound > packet.offset {
      guard range.lowerBound < packet.offset + UInt64(packet.length) else { break }
      lost.remove(range)
    }
  }
}
