public import Wire

/// A rate limit that lets short bursts through.
public struct TokenBucket: Sendable {
  /// Bytes a second; nil for no limit.
  public let rate: UInt64?
  /// The most bytes that an idle time saves up.
  public let burst: UInt64
  private var tokens: Double
  private var refilled: Instant

  /// A full bucket; `burst` is a quarter of a second's worth, at least one block.
  public init(rate: UInt64?, now: Instant) {
    self.rate = rate
    burst = max((rate ?? 0) / 4, UInt64(Limits.block))
    tokens = Double(burst)
    refilled = now
  }

  /// Takes `count` bytes; returns how long to wait before they may move.
  ///
  /// The bucket goes into debt, so that waiting callers are let through in the order of their calls.
  public mutating func take(_ count: Int, now: Instant) -> Duration {
    guard let rate, rate > 0 else { return .zero }
    if now > refilled {
      let earned = (now - refilled).inSeconds * Double(rate)
      tokens = min(Double(burst), tokens + earned)
      refilled = now
    }
    tokens -= Double(count)
    guard tokens < 0 else { return .zero }
    return .nanoseconds(Int64(min(-tokens / Double(rate) * 1e9, 3.6e12)))
  }

  /// Takes `count` bytes if they may move at once; whether they may.
  public mutating func takeNow(_ count: Int, now: Instant) -> Bool {
    guard let rate, rate > 0 else { return true }
    let saved = self
    guard take(count, now: now) > .zero else { return true }
    self = saved
    return false
  }
}
