import Wire

/// Sends at the rate at which packets were seen to arrive, with twice the path's content in flight
/// (after Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016): loss alone does not slow
/// it down, only loss that a full queue explains.
struct RateController: CongestionController {
  private enum Phase {
    case startup, drain, probe, measure(until: Instant)
  }

  private static let startupGain = 2.77
  private static let gains = [1.25, 0.75, 1, 1, 1, 1, 1, 1]
  private static let rounds: UInt64 = 10
  private static let leastPackets = 4.0
  private static let mostWindow = 64.0 * 1_048_576
  private static let measureTime = Duration.milliseconds(200)
  private static let measureInterval = Duration.seconds(10)
  /// More loss than this in a round is taken for a full queue.
  private static let lossBound = 0.1

  private var phase = Phase.startup
  private var datagram = 1_232.0
  private var round: UInt64 = 0
  /// The best rates of the last rounds, falling.
  private var best: [(round: UInt64, rate: Double)] = []
  private var fullRate = 0.0
  private var fullRounds = 0
  private var leastTrip: Duration
  private var leastSeen: Instant
  private var hasTrip = false
  private var cycle = 2
  private var cycleBegan: Instant
  private var roundLost = 0.0
  private var roundDelivered = 0.0
  /// A bound on the bytes in flight after a round of heavy loss.
  private var bound = Double.infinity

  init(roundTrip: Duration, now: Instant) {
    leastTrip = roundTrip
    leastSeen = now
    cycleBegan = now
  }

  private var bandwidth: Double { best.first?.rate ?? 0 }

  private var content: Double { bandwidth * leastTrip.inSeconds }

  private var gain: Double {
    switch phase {
    case .startup: Self.startupGain
    case .drain: 1 / Self.startupGain
    case .probe: Self.gains[cycle]
    case .measure: 1
    }
  }

  var rate: Double {
    guard bandwidth > 0 else {
      return Self.startupGain * 16 * datagram / max(leastTrip.inSeconds, 1e-4)
    }
    return max(gain * bandwidth, Self.leastPackets * datagram)
  }

  var window: Int {
    let least = Self.leastPackets * datagram
    guard bandwidth > 0 else { return Int(32 * datagram) }
    let burst = Pacer.burst(rate: bandwidth, datagram: Int(datagram))
    let wanted: Double
    switch phase {
    case .startup: wanted = Self.startupGain * content + 3 * burst
    case .drain, .probe: wanted = 2 * content + 3 * burst
    case .measure: wanted = 0.5 * content
    }
    return Int(min(max(min(wanted, bound), least), Self.mostWindow))
  }

  mutating func acknowledged(_ sample: DeliverySample) {
    datagram = Double(sample.datagram)
    roundDelivered += Double(sample.acknowledged)
    roundLost += Double(sample.lost)
    if sample.endsRound { endRound(sample) }
    note(rate: sample.rate, isLimited: sample.isApplicationLimited)
    note(roundTrip: sample.roundTrip, now: sample.now)
    advance(sample)
  }

  private mutating func note(rate: Double, isLimited: Bool) {
    guard rate > 0, !isLimited || rate > bandwidth else { return }
    while let first = best.first, first.round + Self.rounds <= round { best.removeFirst() }
    while let last = best.last, last.rate <= rate { best.removeLast() }
    best.append((round, rate))
  }

  private mutating func note(roundTrip: Duration?, now: Instant) {
    guard let roundTrip else { return }
    let isOld = now - leastSeen > Self.measureInterval
    if !hasTrip || roundTrip <= leastTrip {
      hasTrip = true
      leastTrip = roundTrip
      leastSeen = now
    } else if isOld, case .probe = phase {
      phase = .measure(until: now + max(Self.measureTime, leastTrip * 2))
      leastTrip = roundTrip
      leastSeen = now
    }
  }

  private mutating func endRound(_ sample: DeliverySample) {
    round += 1
    let total = roundLost + roundDelivered
    let isHeavy =
      roundLost > Self.lossBound * total && roundLost >= 8 * datagram
    if isHeavy {
      bound = max(0.85 * min(bound, Double(sample.before)), content)
    } else if bound < .infinity {
      bound += max(datagram, bound / 16)
      if bound > 3 * content { bound = .infinity }
    }
    roundLost = 0
    roundDelivered = 0
    guard case .startup = phase else { return }
    if isHeavy, round > 3 { phase = .drain }
    guard !sample.isApplicationLimited else { return }
    if bandwidth > fullRate * 1.25 {
      fullRate = bandwidth
      fullRounds = 0
    } else {
      fullRounds += 1
      if fullRounds >= 3 { phase = .drain }
    }
  }

  private mutating func advance(_ sample: DeliverySample) {
    switch phase {
    case .startup: break
    case .drain:
      if Double(sample.after) <= content { enterProbe(now: sample.now) }
    case .probe:
      let lasted = sample.now - cycleBegan
      var isOver = lasted > leastTrip
      // What the faster eighth queued is drained, no longer than needed.
      if cycle == 1, Double(sample.after) <= content { isOver = true }
      if isOver {
        cycle = (cycle + 1) % Self.gains.count
        cycleBegan = sample.now
      }
    case .measure(let until):
      if sample.now >= until { enterProbe(now: sample.now) }
    }
  }

  private mutating func enterProbe(now: Instant) {
    phase = .probe
    cycle = 2
    cycleBegan = now
  }

  mutating func lost(_ sample: LossSample) {
    // Counted by round, with what arrived beside it.
  }

  mutating func collapsed(now: Instant, datagram: Int) {
    best = []
    fullRate = 0
    fullRounds = 0
    bound = .infinity
    phase = .startup
  }
}
