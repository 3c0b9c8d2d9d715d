/// A point on a monotonic clock, in nanoseconds since an arbitrary origin.
///
/// The machines of `DHT`, `Transfer` and `Builder` get it as an argument; only drivers read a clock.
public struct Instant: Hashable, Comparable, Sendable {
  /// Nanoseconds since the clock's origin.
  public let nanoseconds: UInt64

  /// The clock's origin.
  public static let zero = Instant(nanoseconds: 0)

  /// The point that lies this many nanoseconds after the origin.
  public init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  /// The later point; clamped to the clock's range.
  public static func + (instant: Instant, duration: Duration) -> Instant {
    let sum = Int128(instant.nanoseconds) + Int128(duration.nanoseconds)
    return Instant(nanoseconds: UInt64(clamping: sum))
  }

  /// The earlier point; clamped to the clock's range.
  public static func - (instant: Instant, duration: Duration) -> Instant {
    let difference = Int128(instant.nanoseconds) - Int128(duration.nanoseconds)
    return Instant(nanoseconds: UInt64(clamping: difference))
  }

  /// The time from `right` to `left`; negative if `left` is the earlier.
  public static func - (left: Instant, right: Instant) -> Duration {
    left.nanoseconds >= right.nanoseconds
      ? .nanoseconds(Int64(clamping: left.nanoseconds - right.nanoseconds))
      : .zero - .nanoseconds(Int64(clamping: right.nanoseconds - left.nanoseconds))
  }

  /// Whether the left point is the earlier.
  public static func < (left: Instant, right: Instant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }
}

extension Duration {
  /// The whole duration in nanoseconds, clamped to what 64 bits hold (292 years).
  public var nanoseconds: Int64 {
    // Not `components`, which traps where the seconds don't fit 64 bits.
    Int64(clamping: attoseconds / 1_000_000_000)
  }

  /// The duration in seconds, with its fraction.
  public var inSeconds: Double { Double(nanoseconds) / 1e9 }
}
