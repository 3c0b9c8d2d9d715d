import Synchronization
import Transfer
import Wire

/// A token bucket that many connections share.
final class RateLimiter: Sendable {
  private let bucket: Mutex<TokenBucket>
  private let clock: TransferClock

  init(rate: UInt64?, clock: TransferClock) {
    self.clock = clock
    bucket = Mutex(TokenBucket(rate: rate, now: clock.now))
  }

  /// The limit now, in bytes a second; nil if there is none.
  var rate: UInt64? { bucket.withLock { $0.rate } }

  /// Takes `count` bytes; returns how long the caller should stop.
  func take(_ count: Int) -> Duration {
    let now = clock.now
    return bucket.withLock { $0.take(count, now: now) }
  }

  /// Changes the rate, with a full bucket.
  func limit(to rate: UInt64?) {
    let now = clock.now
    bucket.withLock { $0 = TokenBucket(rate: rate, now: now) }
  }
}

/// The monotonic clock that the transfer's machines are driven by.
struct TransferClock: Sendable {
  private let origin = ContinuousClock.now

  /// Now, since this clock was made.
  var now: Instant { .zero + (ContinuousClock.now - origin) }
}
