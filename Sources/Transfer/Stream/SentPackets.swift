import DequeModule
import Wire

/// The packets that left, which of them arrived, and which are lost (RACK-TLP, RFC 8985).
struct SentPackets: Sendable {
  private(set) var next: UInt64 = 0
  private var base: UInt64 = 0
  private var packets: Deque<SentPacket> = []
  /// Packets below are not in flight.
  private var oldest: UInt64 = 0
  private(set) var inFlight = 0
  private var previous: [ClosedRange<UInt64>] = []
  private var newestAcknowledged: UInt64?
  /// When a packet that was acknowledged later than others may be taken for lost.
  private(set) var lossDeadline: Instant?
  /// Quarters of the least round trip that packets may overtake each other by.
  private var reordering = 1
  private var calmEvents = 0
  private(set) var lastElicitingAt: Instant?

  // The rate of delivery (draft-cheng-iccrg-delivery-rate-estimation).
  private(set) var delivered: UInt64 = 0
  private var deliveredAt: Instant
  private var firstSentAt: Instant
  private var limitedUntil: UInt64 = 0
  private var roundEnds: UInt64 = 0

  init(now: Instant) {
    deliveredAt = now
    firstSentAt = now
  }

  var hasInFlight: Bool { inFlight > 0 }

  /// No peer may leave more packets than this unacknowledged.
  private static let limit = 1 << 17
  var isOverfull: Bool { packets.count >= Self.limit }

  /// A packet leaves; returns its number. `isTracked` if it wants an acknowledgement.
  mutating func sent(_ packet: SentPacket, isTracked: Bool) -> UInt64 {
    var packet = packet
    let number = next
    next += 1
    guard isTracked else {
      packet.state = .done
      if packets.isEmpty { base = next } else { packets.append(packet) }
      return number
    }
    if inFlight == 0 {
      firstSentAt = packet.sentAt
      deliveredAt = packet.sentAt
    }
    packet.delivered = delivered
    packet.deliveredAt = deliveredAt
    packet.firstSentAt = firstSentAt
    packet.isApplicationLimited = limitedUntil > 0
    inFlight += packet.size
    lastElicitingAt = packet.sentAt
    if packets.isEmpty {
      base = number
      oldest = max(oldest, number)
    }
    packets.append(packet)
    return number
  }

  /// There was room for more than there was to send.
  mutating func applicationLimited() {
    limitedUntil = max(1, delivered + UInt64(inFlight))
  }

  /// What an acknowledgement brought.
  struct Result: Sendable {
    var bytes = 0
    var roundTrip: Duration?
    var rate = 0.0
    var isApplicationLimited = false
    var endsRound = false
    /// Whether anything was acknowledged for the first time.
    var isNews = false
  }

  /// Takes in the ranges of an acknowledgement and appends every packet that it acknowledges for the
  /// first time. Returns nil if it names packets that never left.
  mutating func acknowledge(
    _ ranges: [ClosedRange<UInt64>], now: Instant, into found: inout [SentPacket]
  ) -> Result? {
    guard let first = ranges.first, first.upperBound < next else { return nil }
    var result = Result()
    var newest: (number: UInt64, packet: SentPacket)?
    var known = previous[...]
    for range in ranges {
      if range.upperBound < base { break }
      // What the acknowledgement before said already is skipped.
      while let old = known.first, old.lowerBound > range.upperBound { known.removeFirst() }
      var from = max(range.lowerBound, base)
      var skipped: ClosedRange<UInt64>?
      if let old = known.first, old.upperBound <= range.upperBound,
        old.lowerBound >= range.lowerBound
      {
        skipped = old
      }
      while from <= range.upperBound {
        if let old = skipped, old.contains(from) {
          from = old.upperBound + 1
          skipped = nil
          continue
        }
        let index = Int(from - base)
        if packets[index].state != .done {
          take(index, &result, now: now)
          if from >= newest?.number ?? 0 { newest = (from, packets[index]) }
          found.append(packets[index])
          packets[index].state = .done
        }
        from += 1
      }
    }
    previous = ranges
    if let newest { measure(newest.number, newest.packet, &result, now: now) }
    trim()
    return result
  }

  private mutating func take(_ index: Int, _ result: inout Result, now: Instant) {
    let packet = packets[index]
    result.isNews = true
    if packet.state == .lost {
      // It was only late: others may overtake by more from now on (RFC 8985 §6.2).
      reordering = min(reordering + 1, 16)
      calmEvents = 0
    } else {
      inFlight -= packet.size
    }
    result.bytes += packet.size
    delivered += UInt64(packet.size)
    deliveredAt = now
  }

  private mutating func measure(
    _ number: UInt64, _ packet: SentPacket, _ result: inout Result, now: Instant
  ) {
    if number >= newestAcknowledged ?? 0 {
      newestAcknowledged = number
      result.roundTrip = now - packet.sentAt
    }
    if limitedUntil > 0, delivered > limitedUntil { limitedUntil = 0 }
    if packet.delivered >= roundEnds {
      roundEnds = delivered
      result.endsRound = true
    }
    firstSentAt = packet.sentAt
    let sending = packet.sentAt - packet.firstSentAt
    let arriving = now - packet.deliveredAt
    let time = max(sending, arriving).inSeconds
    if time > 1e-6 {
      result.rate = Double(delivered - packet.delivered) / time
      result.isApplicationLimited = packet.isApplicationLimited
    }
  }

  /// Takes packets for lost that left well before one that arrived, and appends them.
  mutating func detectLoss(
    now: Instant, roundTrip: RoundTripTime, into lost: inout [SentPacket]
  ) {
    lossDeadline = nil
    guard let newestAcknowledged else { return }
    let window = min(roundTrip.least / 4 * reordering, roundTrip.smoothed)
    let wait = max(roundTrip.smoothed, roundTrip.latest) + max(window, .microseconds(500))
    var found = false
    var number = max(oldest, base)
    var isOldest = true
    while number < newestAcknowledged, Int(number - base) < packets.count {
      let index = Int(number - base)
      if packets[index].state == .inFlight {
        let due = packets[index].sentAt + wait
        if due <= now {
          packets[index].state = .lost
          inFlight -= packets[index].size
          found = true
          lost.append(packets[index])
        } else {
          if isOldest { oldest = number }
          isOldest = false
          lossDeadline = min(lossDeadline ?? due, due)
        }
      }
      number += 1
    }
    if isOldest { oldest = max(oldest, number) }
    if found {
      calmEvents += 1
      if calmEvents >= 16 { reordering = 1 }
    }
    forget(before: now - wait * 4)
  }

  /// Lost packets that left long ago are not waited for any more.
  private mutating func forget(before time: Instant) {
    while let first = packets.first {
      switch first.state {
      case .done: break
      case .lost where first.sentAt < time: break
      case .lost, .inFlight: return
      }
      packets.removeFirst()
      base += 1
    }
    base = max(base, packets.isEmpty ? next : base)
  }

  private mutating func trim() {
    while let first = packets.first, first.state == .done {
      packets.removeFirst()
      base += 1
    }
    if packets.isEmpty { base = next }
  }

  /// The oldest packets in flight with bytes of the stream, for a probe.
  func oldestInFlight(_ count: Int) -> [SentPacket] {
    var found: [SentPacket] = []
    var index = Int(max(oldest, base) - base)
    while index < packets.count, found.count < count {
      let packet = packets[index]
      if packet.state == .inFlight, packet.length > 0 || packet.isLast { found.append(packet) }
      index += 1
    }
    return found
  }

  /// Takes everything in flight for lost, when the path has changed.
  mutating func abandonAll(into lost: inout [SentPacket]) {
    for index in packets.indices where packets[index].state == .inFlight {
      packets[index].state = .lost
      inFlight -= packets[index].size
      lost.append(packets[index])
    }
    lossDeadline = nil
  }
}
