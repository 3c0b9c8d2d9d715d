import Wire

/// Finds how long a datagram the path carries (RFC 8899): packets of their own probe upward, and the
/// length falls when only short packets get through.
struct PathMTU: Sendable {
  /// The lengths that are tried, in bytes of UDP payload. 1,232 is what every IPv6 path must carry;
  /// below are paths that tunnel badly.
  static let sizes = [548, 768, 1_024, 1_232, 1_280, 1_360, 1_412, 1_452, 1_472, 4_096, 8_952]
  private static let base = 1_232
  private static let tries = 2
  /// Packets of full length that are lost in a row, while shorter ones arrive, until the length falls.
  private static let lossBound = 8

  /// The length of a full packet now.
  private(set) var current: Int
  private let largest: Int
  /// Lengths that were refused since the path last changed.
  private var refused = Int.max
  private var attempts = 0
  private var isProbing = false
  private var nextProbe: Instant
  private var lostInARow = 0

  init(largest: Int, now: Instant) {
    self.largest = largest
    current = min(Self.base, max(largest, Self.sizes[0]))
    nextProbe = now
  }

  /// The length to probe now: the longest that is not refused.
  func probe(now: Instant) -> Int? {
    guard !isProbing, now >= nextProbe else { return nil }
    return Self.sizes.last { $0 > current && $0 <= largest && $0 < refused }
  }

  mutating func probeSent() {
    isProbing = true
  }

  mutating func probeAcknowledged(_ size: Int) {
    isProbing = false
    attempts = 0
    if size > current { current = size }
  }

  mutating func probeLost(_ size: Int, now: Instant) {
    isProbing = false
    attempts += 1
    guard attempts >= Self.tries else { return }
    attempts = 0
    refused = size
    if Self.sizes.last(where: { $0 > current && $0 < refused && $0 <= largest }) == nil {
      // Every ten minutes the path may have become better (RFC 8899, PMTU_RAISE_TIMER).
      refused = .max
      nextProbe = now + .seconds(600)
    }
  }

  mutating func acknowledged(_ size: Int) {
    if size >= current { lostInARow = 0 }
  }

  mutating func lost(_ size: Int) {
    if size >= current { lostInARow += 1 }
  }

  /// Only packets shorter than full arrived just now: falls if that has a system.
  mutating func shortArrived(now: Instant) {
    if lostInARow >= Self.lossBound { fall(now: now) }
  }

  /// Nothing arrives: falls, as far as it may be the packets' length.
  mutating func fall(now: Instant) {
    lostInARow = 0
    let lower = Self.sizes.last { $0 < current }
    guard let lower else { return }
    current = current > Self.base ? Self.base : lower
    isProbing = false
    attempts = 0
    refused = .max
    nextProbe = now + .seconds(5)
  }
}
