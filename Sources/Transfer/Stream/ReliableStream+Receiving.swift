public import Wire

extension ReliableStream {
  /// Whether a packet with this number came before, so that it need not be opened.
  public func hasSeen(_ number: UInt64) -> Bool {
    received.hasSeen(number)
  }

  /// Takes in the frames of a packet that was opened; `random` is for the proof of a new path.
  public mutating func receive(
    _ packet: UnsafeRawBufferPointer, number: UInt64, from address: Address, now: Instant,
    using random: inout some RandomNumberGenerator
  ) {
    // Greater numbers can't be acknowledged.
    guard number <= StreamFrame.offsetLimit, !received.hasSeen(number) else { return }
    if let outcome, outcome != .finished {
      // It has not heard of the end.
      if outcome != .idle, resets < Self.resetLimit, owesReset == nil { owesReset = lastCode }
      return
    }
    let isNewest = received.newest.map { number > $0 } ?? true
    var isEliciting = false
    var reader = StreamFrameReader(packet)
    do {
      while let frame = try reader.next() {
        isEliciting = isEliciting || frame.isEliciting
        guard take(frame, of: packet, from: address, now: now) else { break }
      }
    } catch {
      return end(.violation, now: now)
    }
    received.add(number, isEliciting: isEliciting, now: now, delay: settings.ackDelay)
    heardAt = now
    if isNewest, address != path { consider(address, now: now, using: &random) }
    finishIfDone(now: now)
  }

  private var lastCode: UInt64 {
    outcome == .violation ? Self.violationCode : 0
  }

  /// Does what a frame says; returns whether the stream goes on.
  private mutating func take(
    _ frame: StreamFrame, of packet: UnsafeRawBufferPointer, from address: Address, now: Instant
  ) -> Bool {
    switch frame {
    case .ping: break
    case .acknowledgement(let delay, let ranges):
      acknowledge(ranges, delay: delay, now: now)
    case .bytes(let offset, let range, let isLast):
      do {
        try incoming.receive(
          UnsafeRawBufferPointer(rebasing: packet[range]), at: offset, isLast: isLast)
      } catch {
        end(.violation, now: now)
      }
    case .credit(let credit): outgoing.raise(credit: min(credit, StreamFrame.offsetLimit))
    case .reset(let code): end(.resetByPeer(code), now: now)
    case .challenge(let value): response = (value, address)
    case .response(let value):
      if let candidate, candidate.challenge == value, candidate.address == address {
        move(to: address, now: now)
      }
    }
    return outcome == nil || outcome == .finished
  }

  private mutating func acknowledge(
    _ ranges: [ClosedRange<UInt64>], delay: Duration, now: Instant
  ) {
    let before = sent.inFlight
    scratch.removeAll(keepingCapacity: true)
    guard let result = sent.acknowledge(ranges, now: now, into: &scratch) else {
      return end(.violation, now: now)
    }
    guard result.isNews else { return }
    if let sample = result.roundTrip { roundTrip.add(sample, delayedBy: delay) }
    var hadFull = false
    for packet in scratch {
      outgoing.acknowledge(packet)
      if let through = packet.acknowledges { received.confirmed(through: through) }
      if packet.isProbe {
        mtu.probeAcknowledged(packet.size)
      } else {
        mtu.acknowledged(packet.size)
        hadFull = hadFull || packet.size >= mtu.current
      }
    }
    probeCount = 0
    probes = 0
    findLost(now: now)
    if !hadFull { mtu.shortArrived(now: now) }
    congestion.acknowledged(
      DeliverySample(
        now: now, acknowledged: result.bytes, before: before, after: sent.inFlight,
        roundTrip: result.roundTrip.map { $0 - delay > roundTrip.least ? $0 - delay : $0 },
        smoothed: roundTrip.smoothed, rate: result.rate,
        isApplicationLimited: result.isApplicationLimited, endsRound: result.endsRound,
        lost: lostBytes, datagram: mtu.current))
    lostBytes = 0
  }

  /// Finds what is lost by now and has it sent again.
  mutating func findLost(now: Instant) {
    scratch.removeAll(keepingCapacity: true)
    sent.detectLoss(now: now, roundTrip: roundTrip, into: &scratch)
    guard !scratch.isEmpty else { return }
    var bytes = 0
    var newest = Instant.zero
    for packet in scratch {
      resend(packet)
      if packet.isProbe {
        // Its length was the reason, not the queue.
        mtu.probeLost(packet.size, now: now)
        continue
      }
      mtu.lost(packet.size)
      bytes += packet.size
      newest = max(newest, packet.sentAt)
    }
    guard bytes > 0 else { return }
    lostBytes += bytes
    congestion.lost(
      LossSample(
        now: now, bytes: bytes, newestSent: newest, smoothed: roundTrip.smoothed,
        datagram: mtu.current))
  }

  private mutating func resend(_ packet: SentPacket) {
    outgoing.lost(packet)
    if packet.hasCredit { incoming.owesCredit = true }
  }

  /// Asks the peer to prove that it is reached at another address; if it does, the stream goes on there.
  public mutating func look(
    at address: Address, now: Instant, using random: inout some RandomNumberGenerator
  ) {
    guard address != path else { return }
    consider(address, now: now, using: &random)
  }

  /// Packets come from another address: it must prove that it receives what goes there.
  private mutating func consider(
    _ address: Address, now: Instant, using random: inout some RandomNumberGenerator
  ) {
    if let candidate, candidate.address == address,
      now - candidate.sentAt < roundTrip.probeTime
    {
      return
    }
    candidate = (address, random.next(), now)
    owesChallenge = true
  }

  /// The peer is at another address: nothing that was measured holds there.
  private mutating func move(to address: Address, now: Instant) {
    guard address != path else { return }
    path = address
    candidate = nil
    scratch.removeAll(keepingCapacity: true)
    sent.abandonAll(into: &scratch)
    for packet in scratch { resend(packet) }
    mtu = PathMTU(largest: settings.largestDatagram, now: now)
    congestion = Congestion(settings, roundTrip: roundTrip.smoothed, now: now)
    pacer = Pacer(now: now)
    probeCount = 0
  }
}
