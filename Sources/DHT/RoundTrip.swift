import Wire

/// The smoothed round-trip time and its variation (Jacobson, 1988; RFC 6298's gains).
struct RoundTrip: Sendable, Equatable {
  private var smoothed: Int64 = 0
  private var variation: Int64 = 0

  /// Whether nothing was measured yet.
  var isUnknown: Bool { smoothed == 0 }

  /// The smoothed time.
  var mean: Duration { .nanoseconds(smoothed) }

  /// Takes one measurement in.
  mutating func measure(_ sample: Duration) {
    let value = max(1, sample.nanoseconds)
    guard smoothed != 0 else {
      smoothed = value
      variation = value / 2
      return
    }
    variation += (abs(smoothed - value) - variation) / 4
    smoothed += (value - smoothed) / 8
  }

  /// srtt + 4·rttvar within `bounds`; the upper bound while nothing was measured.
  func timeout(within bounds: ClosedRange<Duration>) -> Duration {
    guard !isUnknown else { return bounds.upperBound }
    let wanted = Duration.nanoseconds(smoothed + 4 * variation)
    return min(max(wanted, bounds.lowerBound), bounds.upperBound)
  }
}
