import Wire

/// Bounds what a node sends to others at somebody's word: so many a second in all, and one for each
/// party within a span.
struct ForwardingLimit: Sendable {
  private let rate: Double
  private let burst: Double
  private let span: Duration
  private var tokens: Double
  private var filled = Instant.zero
  /// Parties of the last one to two spans, in two generations.
  private var young: Set<IPAddress> = []
  private var old: Set<IPAddress> = []
  private var turned = Instant.zero

  init(rate: Double, burst: Double, span: Duration) {
    self.rate = rate
    self.burst = burst
    self.span = span
    tokens = burst
  }

  /// Whether something may be sent now at this party's word or to it; if so it is counted.
  mutating func admits(_ ip: IPAddress, now: Instant) -> Bool {
    if now - turned >= span {
      old = now - turned < span * 2 ? young : []
      young = []
      turned = now
    }
    if now > filled {
      tokens = min(burst, tokens + (now - filled).inSeconds * rate)
      filled = now
    }
    guard tokens >= 1, !young.contains(ip), !old.contains(ip) else { return false }
    tokens -= 1
    young.insert(ip)
    return true
  }
}
