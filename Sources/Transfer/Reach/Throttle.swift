import Wire

/// How often something may happen: so many times a second, and more at once after a rest.
struct Throttle: Sendable, Equatable {
  private let rate: Double
  private let burst: Double
  private var left: Double
  private var filled: Instant

  /// One that nothing has used yet.
  init(rate: Double, burst: Double, now: Instant) {
    self.rate = rate
    self.burst = burst
    left = burst
    filled = now
  }

  /// Whether it is as if it had never been used.
  func isFull(now: Instant) -> Bool { earned(now) >= burst }

  /// Takes one, if there is one.
  mutating func take(now: Instant) -> Bool {
    left = earned(now)
    filled = max(filled, now)
    guard left >= 1 else { return false }
    left -= 1
    return true
  }

  private func earned(_ now: Instant) -> Double {
    min(burst, left + max(.zero, now - filled).inSeconds * rate)
  }
}
