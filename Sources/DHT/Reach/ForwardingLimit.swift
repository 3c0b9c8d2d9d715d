import Wire

/// Bounds what a node sends to others at somebody's word: so many a second in all, and one for each
/// party within a span.
struct ForwardingLimit: Sendable {
  private let rate: Double
  private let burst: Double
  private var tokens: Double
  private var filled = Instant.zero
  /// Parties of the last one to two spans; the tokens bound their number.
  private var parties: Generations<IPAddress>

  init(rate: Double, burst: Double, span: Duration) {
    self.rate = rate
    self.burst = burst
    parties = Generations(span: span, limit: .max)
    tokens = burst
  }

  /// Whether something may be sent now at this party's word or to it; if so it is counted.
  mutating func admits(_ ip: IPAddress, now: Instant) -> Bool {
    parties.pass(to: now)
    if now > filled {
      tokens = min(burst, tokens + (now - filled).inSeconds * rate)
      filled = now
    }
    guard tokens >= 1, !parties.contains(ip) else { return false }
    tokens -= 1
    parties.insert(ip)
    return true
  }
}
