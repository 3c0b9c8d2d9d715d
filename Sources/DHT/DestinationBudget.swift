import Wire

/// Slows the opening of new UDP flows: home routers fail above about a hundred a second.
///
/// A token bucket over destinations that were not written to within the last two minutes, the life of
/// a mapping in a NAT (RFC 4787 §4.3).
struct DestinationBudget: Sendable {
  private let rate: Double
  private let burst: Double
  private var tokens: Double
  private var filled = Instant.zero
  private var recent: [Address: Instant] = [:]
  private static let memory = Duration.seconds(120)
  private static let recentLimit = 8_192

  init(rate: Int, burst: Int) {
    self.rate = Double(rate)
    self.burst = Double(burst)
    tokens = Double(burst)
  }

  /// Whether a datagram may go there now; if so it is counted.
  mutating func admits(_ address: Address, now: Instant) -> Bool {
    refill(now)
    if let last = recent[address], now - last < Self.memory {
      recent[address] = now
      return true
    }
    guard tokens >= 1 else { return false }
    tokens -= 1
    if recent.count >= Self.recentLimit {
      recent = recent.filter { now - $0.value < Self.memory }
      if recent.count >= Self.recentLimit { recent.removeAll(keepingCapacity: true) }
    }
    recent[address] = now
    return true
  }

  /// When the next new destination may be opened.
  func nextToken(after now: Instant) -> Instant {
    tokens >= 1 ? now : now + .nanoseconds(Int64((1 - tokens) / rate * 1e9) + 1)
  }

  private mutating func refill(_ now: Instant) {
    guard now > filled else { return }
    tokens = min(burst, tokens + (now - filled).inSeconds * rate)
    filled = now
  }
}
