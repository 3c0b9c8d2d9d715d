public import Wire

extension ReliableStream {
  /// When `tick` is due, if nothing comes in before.
  public var nextDeadline: Instant {
    if outcome != nil {
      let drained = drainedAt ?? heardAt
      guard let due = received.deadline else { return drained }
      return min(drained, due)
    }
    var deadline = heardAt + settings.idleTime
    if let due = received.deadline { deadline = min(deadline, due) }
    if let due = sent.lossDeadline { deadline = min(deadline, due) }
    if let due = probeDeadline { deadline = min(deadline, due) }
    if let due = pacedUntil { deadline = min(deadline, due) }
    if let due = keepAliveDeadline { deadline = min(deadline, due) }
    return deadline
  }

  /// Does what is due; then packets may have to leave.
  public mutating func tick(now: Instant) {
    guard outcome == nil else { return }
    if now >= heardAt + settings.idleTime { return end(.idle, now: now) }
    if let due = sent.lossDeadline, due <= now { findLost(now: now) }
    if let due = probeDeadline, due <= now { probe(now: now) }
    if let due = keepAliveDeadline, due <= now { wantsPing = true }
  }

  private var probeDeadline: Instant? {
    guard sent.hasInFlight, probes == 0, let last = sent.lastElicitingAt else { return nil }
    let wait = (roundTrip.probeTime + Self.peerDelay) * (1 << min(probeCount, 10))
    return last + min(wait, .seconds(10))
  }

  private var keepAliveDeadline: Instant? {
    guard let span = settings.keepAlive, !wantsPing, !sent.hasInFlight else { return nil }
    return max(heardAt, sent.lastElicitingAt ?? .zero) + span
  }

  /// Nothing was heard for long enough: sends something that will be answered (RFC 8985 §7, RFC 9002
  /// §6.2), shorter packets in case the path carries only those, and at last begins anew.
  private mutating func probe(now: Instant) {
    probeCount += 1
    probes = min(probeCount, 2)
    if probeCount >= 2 { mtu.fall(now: now) }
    if probeCount == 3 { congestion.collapsed(now: now, datagram: mtu.current) }
    let hasNew = outgoing.hasSomething && probeCount == 1
    guard !hasNew else { return }
    for packet in sent.oldestInFlight(probes) { outgoing.lost(packet) }
  }
}
