import Wire

/// LEDBAT++ (draft-irtf-iccrg-ledbat-plus-plus): keeps the queue it causes at a target delay, and so
/// yields to every flow that fills the queue.
///
/// Round-trip times instead of one-way delays (§4.1), a slower gain (§4.2), multiplicative decrease
/// (§4.3), a slow start that ends at three quarters of the target (§4.4), and periodic slow-downs that
/// let the true base delay be seen (§4.5). Beyond the draft: a path whose queue stays nearly empty for
/// many rounds is probed by slow start again, or a long fat path would take a minute to fill; and where
/// packets are lost below the target, the target falls for a while.
struct LEDBATController: CongestionController {
  private enum Phase {
    case steady
    /// A slow-down is due once this time is reached.
    case waiting(until: Instant)
    /// Two packets in flight, so that the queue drains.
    case frozen(since: Instant, until: Instant)
    /// Back to the window from before.
    case ramping(since: Instant)
  }

  private static let leastWindow = 2.0
  private static let mostWindow = 64.0 * 1_048_576
  private static let samples = 4
  /// The draft's target, in seconds, which sets how much slower than others a window grows.
  private static let gainDelay = 0.06
  private static let calmBound = 8
  private static let baseMinutes = 10

  /// The queueing delay in seconds that is aimed at, and the least and most it may be.
  private var target: Double
  private let mostTarget: Double
  private var phase = Phase.steady
  private var bytes: Double
  private var threshold = Double.infinity
  private var datagram = 1_232.0
  private var smoothed: Duration
  /// The least round trip of each of the last ten minutes, the newest last.
  private var bases: [Double] = []
  private var minuteEnds: Instant
  private var recent: [Double] = []
  /// Losses of packets that left before are part of the same event.
  private var reduced: Instant
  private var calmRounds = 0
  /// The least queueing delay of this round, in seconds.
  private var roundDelay = Double.infinity
  private var hadSlowdown = false

  init(target: Duration, roundTrip: Duration, now: Instant) {
    mostTarget = target.inSeconds
    self.target = mostTarget
    smoothed = roundTrip
    minuteEnds = now + .seconds(60)
    reduced = now
    bytes = datagram * 4
  }

  var window: Int { Int(bytes) }

  var rate: Double {
    let gain = bytes < threshold ? 2.0 : 1.25
    return gain * bytes / max(smoothed.inSeconds, 1e-5)
  }

  mutating func acknowledged(_ sample: DeliverySample) {
    datagram = Double(sample.datagram)
    smoothed = sample.smoothed
    if let roundTrip = sample.roundTrip { measure(roundTrip.inSeconds, now: sample.now) }
    guard let base = bases.min(), let current = recent.min() else { return }
    let delay = max(0, current - base)
    roundDelay = min(roundDelay, delay)
    let gain = 1 / min(16, max(1, (2 * Self.gainDelay / base).rounded(.up)))
    // Only a window that was in use says anything about a larger one.
    let isUsed = Double(sample.before) + 2 * datagram >= bytes
    step(sample, delay: delay, gain: gain, isUsed: isUsed)
    if sample.endsRound {
      countCalm(isUsed: isUsed)
      roundDelay = .infinity
    }
    bytes = min(max(bytes, Self.leastWindow * datagram), Self.mostWindow)
  }

  private mutating func step(
    _ sample: DeliverySample, delay: Double, gain: Double, isUsed: Bool
  ) {
    switch phase {
    case .frozen(let since, let until):
      bytes = Self.leastWindow * datagram
      if sample.now >= until { phase = .ramping(since: since) }
      return
    case .waiting(let until):
      if sample.now >= until { return freeze(now: sample.now) }
    case .ramping(let since):
      if bytes >= threshold {
        // The next slow-down comes after nine times what this one took (§4.5).
        phase = .waiting(until: sample.now + (sample.now - since) * 9)
      }
    case .steady: break
    }
    if bytes < threshold {
      if delay > 0.75 * target {
        leaveSlowStart(now: sample.now)
      } else if isUsed {
        // On the way back to a window that was fine there is nothing to find out.
        let isReturning = threshold < .infinity && bytes < threshold / 2
        bytes += (isReturning ? 1 : gain) * Double(sample.acknowledged)
      }
    } else if delay <= target {
      if isUsed { bytes += gain * datagram * Double(sample.acknowledged) / bytes }
    } else if sample.endsRound {
      bytes += max(gain * datagram - bytes * (delay / target - 1), -bytes / 2)
    }
  }

  private mutating func leaveSlowStart(now: Instant) {
    threshold = bytes
    calmRounds = 0
    switch phase {
    case .steady where !hadSlowdown:
      // The first slow-down comes two round trips after the first slow start (§4.5).
      hadSlowdown = true
      phase = .waiting(until: now + smoothed * 2)
    case .ramping(let since):
      phase = .waiting(until: now + (now - since) * 9)
    case .steady, .waiting, .frozen: break
    }
  }

  private mutating func freeze(now: Instant) {
    target = min(mostTarget, target * 2)
    threshold = max(bytes, Self.leastWindow * datagram)
    phase = .frozen(since: now, until: now + smoothed * 2)
    bytes = Self.leastWindow * datagram
    calmRounds = 0
  }

  private mutating func countCalm(isUsed: Bool) {
    guard bytes >= threshold, isUsed, roundDelay < target / 4 else {
      calmRounds = 0
      return
    }
    calmRounds += 1
    if calmRounds >= Self.calmBound {
      calmRounds = 0
      threshold = .infinity
    }
  }

  mutating func lost(_ sample: LossSample) {
    guard sample.newestSent > reduced else { return }
    reduced = sample.now
    calmRounds = 0
    lowerTarget()
    if case .frozen = phase { return }
    bytes = max(bytes / 2, Self.leastWindow * datagram)
    let wasStarting = threshold == .infinity
    threshold = bytes
    if wasStarting { leaveSlowStart(now: sample.now) }
  }

  /// The queue overflows shortly before the target is reached: probably another flow held the queue
  /// when the base delay was measured. Aims lower, but not so low that a lost packet costs the link.
  private mutating func lowerTarget() {
    guard let base = bases.min(), let current = recent.min() else { return }
    let delay = current - base
    guard delay < target, delay > target / 2 else { return }
    target = max(delay / 2, mostTarget * 0.6)
  }

  mutating func collapsed(now: Instant, datagram: Int) {
    threshold = max(bytes / 2, Self.leastWindow * Double(datagram))
    bytes = Self.leastWindow * Double(datagram)
    reduced = now
    phase = .steady
  }

  private mutating func measure(_ roundTrip: Double, now: Instant) {
    recent.append(roundTrip)
    if recent.count > Self.samples { recent.removeFirst() }
    if bases.isEmpty || now >= minuteEnds {
      bases.append(roundTrip)
      if bases.count > Self.baseMinutes { bases.removeFirst() }
      minuteEnds = now + .seconds(60)
    } else {
      bases[bases.count - 1] = min(bases[bases.count - 1], roundTrip)
    }
  }
}
