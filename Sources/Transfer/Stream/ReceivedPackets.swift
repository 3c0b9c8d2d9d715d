import Wire

/// The numbers of the packets that came, and when they must be acknowledged.
struct ReceivedPackets: Sendable {
  /// So many of them may wait for each other: few at first, when the sender finds out what the path
  /// carries, more once many came. What is read from the socket at once waits anyway.
  private static let patience = (first: 2, later: 8)
  private static let firstNumbers: UInt64 = 256
  private static let rangeLimit = 64

  private(set) var numbers = OffsetRanges()
  /// Numbers below count as seen: their ranges were dropped.
  private var floor: UInt64 = 0
  private(set) var newest: UInt64?
  private var newestAt = Instant.zero
  private var waiting = 0
  private var isUrgent = false
  /// When the acknowledgement is due at the latest.
  private(set) var deadline: Instant?

  /// Whether a packet with this number was seen: then it is not looked at again.
  func hasSeen(_ number: UInt64) -> Bool {
    number < floor || numbers.contains(number)
  }

  /// Notes a packet; `isEliciting` if it wants to be acknowledged.
  mutating func add(_ number: UInt64, isEliciting: Bool, now: Instant, delay: Duration) {
    let isNext = number == (newest.map { $0 + 1 } ?? 0)
    numbers.insert(number..<number + 1)
    if numbers.ranges.count > Self.rangeLimit, let first = numbers.first {
      floor = first.upperBound
      numbers.removeFirst()
    }
    if number > newest ?? 0 || newest == nil {
      newest = number
      newestAt = now
    }
    guard isEliciting else { return }
    waiting += 1
    // A gap is news: the sender may have lost something.
    let patience = number < Self.firstNumbers ? Self.patience.first : Self.patience.later
    if !isNext || waiting >= patience { isUrgent = true }
    if deadline == nil { deadline = now + delay }
  }

  /// Whether an acknowledgement must leave now.
  func isDue(now: Instant) -> Bool {
    guard newest != nil else { return false }
    return isUrgent || (deadline.map { $0 <= now } ?? false)
  }

  /// Whether an acknowledgement would say something new.
  var hasNews: Bool { waiting > 0 || isUrgent }

  /// The time that the newest packet has waited.
  func delay(now: Instant) -> Duration { max(.zero, now - newestAt) }

  /// An acknowledgement leaves.
  mutating func acknowledged() {
    waiting = 0
    isUrgent = false
    deadline = nil
  }

  /// The sender knows of everything up to `number`: that need not be said again.
  mutating func confirmed(through number: UInt64) {
    guard number >= floor, let last = numbers.ranges.last else { return }
    // The newest range stays, so that there is always something to say.
    let bound = min(number + 1, last.lowerBound)
    guard bound > floor else { return }
    floor = bound
    numbers.remove(below: bound)
  }
}
