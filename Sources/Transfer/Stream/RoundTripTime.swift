import Wire

/// What is known of the path's round-trip time (RFC 6298, RFC 9002 §5).
struct RoundTripTime: Sendable {
  private(set) var smoothed: Duration
  private(set) var variation: Duration
  private(set) var latest: Duration
  private(set) var least: Duration
  private(set) var hasSample = false

  /// Before the first sample: what the opening exchange took, or a guess.
  init(guess: Duration) {
    smoothed = guess
    variation = guess / 2
    latest = guess
    least = guess
  }

  mutating func add(_ sample: Duration, delayedBy delay: Duration) {
    let sample = max(sample, .microseconds(1))
    latest = sample
    guard hasSample else {
      hasSample = true
      smoothed = sample
      variation = sample / 2
      least = sample
      return
    }
    least = min(least, sample)
    // A delay that the peer invents can't bring the sample below what was seen.
    let adjusted = sample - delay >= least ? sample - delay : sample
    let difference = smoothed > adjusted ? smoothed - adjusted : adjusted - smoothed
    variation = (variation * 3 + difference) / 4
    smoothed = (smoothed * 7 + adjusted) / 8
  }

  /// How long to wait for an acknowledgement before a probe, without the peer's delay.
  var probeTime: Duration { smoothed + max(variation * 4, .milliseconds(1)) }
}
