import Wire

/// The smoothed round-trip time and its variation (Jacobson, 1988; RFC 6298's gains), in eight bytes:
/// a node keeps one for each of hundreds of contacts.
struct RoundTrip: Sendable, Equatable {
  /// In microseconds; 0 for unknown.
  private var smoothed: UInt32 = 0
  private var variation: UInt32 = 0

  /// Whether nothing was measured yet.
  var isUnknown: Bool { smoothed == 0 }

  /// The smoothed time.
  var mean: Duration { .microseconds(Int64(smoothed)) }

  /// Takes one measurement in.
  mutating func measure(_ sample: Duration) {
    let value = min(max(1, sample.nanoseconds / 1_000), 60_000_000)
    guard smoothed != 0 else {
      smoothed = UInt32(value)
      variation = UInt32(value / 2)
      return
    }
    let old = Int64(smoothed)
    let spread = Int64(variation)
    variation = UInt32(clamping: spread + (abs(old - value) - spread) / 4)
    smoothed = UInt32(clamping: max(1, old + (value - old) / 8))
  }

  /// srtt + 4·rttvar within `bounds`; the upper bound while nothing was measured.
  func timeout(within bounds: ClosedRange<Duration>) -> Duration {
    guard !isUnknown else { return bounds.upperBound }
    let wanted = Duration.microseconds(Int64(smoothed) + 4 * Int64(variation))
    return min(max(wanted, bounds.lowerBound), bounds.upperBound)
  }
}
