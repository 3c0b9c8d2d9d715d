import Wire

/// The smoothed round-trip time and its variation (Jacobson, 1988; RFC 6298's gains), in four bytes: a
/// node keeps one for each of hundreds of contacts.
struct RoundTrip: Sendable, Equatable {
  /// In sixteenths of a millisecond, so at most 4 s; 0 for unknown.
  private var smoothed: UInt16 = 0
  private var variation: UInt16 = 0
  /// Nanoseconds.
  private static let unit: Int64 = 62_500

  /// Whether nothing was measured yet.
  var isUnknown: Bool { smoothed == 0 }

  /// The smoothed time.
  var mean: Duration { .nanoseconds(Int64(smoothed) * Self.unit) }

  /// Takes one measurement in.
  mutating func measure(_ sample: Duration) {
    let value = Int64(UInt16(clamping: max(1, sample.nanoseconds / Self.unit)))
    guard smoothed != 0 else {
      smoothed = UInt16(value)
      variation = UInt16(value / 2)
      return
    }
    let old = Int64(smoothed)
    let spread = Int64(variation)
    variation = UInt16(clamping: spread + (abs(old - value) - spread) / 4)
    smoothed = UInt16(clamping: max(1, old + (value - old) / 8))
  }

  /// srtt + 4·rttvar within `bounds`; the upper bound while nothing was measured.
  func timeout(within bounds: ClosedRange<Duration>) -> Duration {
    guard !isUnknown else { return bounds.upperBound }
    let wanted = Duration.nanoseconds((Int64(smoothed) + 4 * Int64(variation)) * Self.unit)
    return min(max(wanted, bounds.lowerBound), bounds.upperBound)
  }
}
