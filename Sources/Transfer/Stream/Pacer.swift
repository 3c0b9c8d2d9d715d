import Wire

/// Spreads packets over time: a bucket that fills at the controller's rate.
struct Pacer: Sendable {
  private var budget = 0.0
  private var filled: Instant
  private var isFresh = true

  init(now: Instant) {
    filled = now
  }

  /// The bytes that may leave at once: a millisecond's worth, so that the kernel can cut one buffer
  /// into many datagrams, but no more than one such buffer.
  static func burst(rate: Double, datagram: Int) -> Double {
    min(max(rate * 0.001, Double(datagram * 4)), 64_000)
  }

  mutating func refill(now: Instant, rate: Double, datagram: Int) {
    let burst = Self.burst(rate: rate, datagram: datagram)
    if isFresh {
      isFresh = false
      budget = burst
    } else if now > filled {
      budget = min(burst, budget + (now - filled).inSeconds * rate)
    }
    filled = max(filled, now)
  }

  /// Whether a packet may leave; refill first.
  var isOpen: Bool { budget > 0 }

  mutating func spend(_ bytes: Int) {
    budget -= Double(bytes)
  }

  /// When the bucket holds half a burst, so that packets leave in few wake-ups; at most a second on.
  func opens(rate: Double, datagram: Int) -> Instant {
    let wanted = Self.burst(rate: rate, datagram: datagram) / 2
    let seconds = max(1e-6, (wanted - budget) / max(rate, 1))
    return filled + .nanoseconds(Int64(min(seconds, 1) * 1e9))
  }
}
