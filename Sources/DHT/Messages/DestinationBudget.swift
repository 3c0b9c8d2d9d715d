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
  /// Digests of destinations: what is not here is new.
  private var known = Generations<UInt32>(span: .seconds(60), limit: 8_192)

  init(rate: Int, burst: Int) {
    self.rate = Double(rate)
    self.burst = Double(burst)
    tokens = Double(burst)
  }

  /// Whether a datagram may go there now; if so it is counted.
  mutating func admits(_ address: Address, now: Instant) -> Bool {
    known.pass(to: now)
    let digest = Self.digest(address)
    if known.contains(digest) {
      known.insert(digest)
      return true
    }
    refill(now)
    guard tokens >= 1 else { return false }
    tokens -= 1
    known.insert(digest)
    return true
  }

  /// How many new destinations may be opened now.
  mutating func room(now: Instant) -> Int {
    refill(now)
    return Int(tokens)
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

  /// A digest of an address; two that share one cost the budget a token less, nothing more.
  private static func digest(_ address: Address) -> UInt32 {
    var mixed: UInt64
    switch address.ip {
    case .v4(let value): mixed = UInt64(value)
    case .v6(let high, let low): mixed = high &* 0x9E37_79B9_7F4A_7C15 ^ low
    }
    mixed = (mixed << 16 ^ UInt64(address.port)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 31)) &* 0x94D0_49BB_1331_11EB
    return UInt32(truncatingIfNeeded: mixed >> 32)
  }
}
