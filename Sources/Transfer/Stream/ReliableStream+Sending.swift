public import Wire

extension ReliableStream {
  /// The next packet to seal and send now; its frames are appended to `frames`, which is empty.
  ///
  /// Called until it returns nil: after anything came in, was written or read, and when `tick` was due.
  public mutating func nextPacket(now: Instant, into frames: inout [UInt8]) -> Packet? {
    pacedUntil = nil
    if outcome == nil, sent.isOverfull { end(.violation, now: now) }
    if outcome == nil, sent.next >= settings.packetLimit { reset(0, now: now) }
    if let code = owesReset { return resetPacket(code, now: now, &frames) }
    if let packet = pathPacket(now: now, &frames) { return packet }
    guard outcome == nil else {
      // The last acknowledgement may have been lost.
      guard outcome == .finished, received.isDue(now: now) else { return nil }
      appendAcknowledgement(now: now, &frames)
      return untracked(frames, now: now, to: path)
    }
    if let packet = probePacket(now: now, &frames) { return packet }
    return dataPacket(now: now, &frames)
  }

  private mutating func dataPacket(now: Instant, _ frames: inout [UInt8]) -> Packet? {
    let room = mtu.current - Self.overhead
    let maySend = maySendBytes(now: now)
    let hasBytes = maySend && outgoing.hasSomething
    let isDue = received.isDue(now: now)
    guard hasBytes || isDue || incoming.owesCredit || wantsPing || probes > 0 else { return nil }
    var record = SentPacket(sentAt: now, size: 0, deliveredAt: now, firstSentAt: now)
    if received.hasNews {
      record.acknowledges = received.newest
      appendAcknowledgement(now: now, &frames)
    }
    var isTracked = false
    if incoming.owesCredit {
      incoming.owesCredit = false
      record.hasCredit = true
      isTracked = true
      frames.append(StreamFrame.Kind.credit)
      StreamFrameWriter.append(incoming.credit, to: &frames)
    }
    if hasBytes, appendBytes(&record, room: room, &frames) { isTracked = true }
    if !isTracked, wantsPing || probes > 0 || acknowledgementsAlone >= 32 {
      frames.append(StreamFrame.Kind.ping)
      isTracked = true
    }
    guard !frames.isEmpty else { return nil }
    guard isTracked else {
      acknowledgementsAlone += 1
      return untracked(frames, now: now, to: path)
    }
    acknowledgementsAlone = 0
    wantsPing = false
    probes = max(0, probes - 1)
    record.size = frames.count + Self.overhead
    pacer.spend(record.size)
    return Packet(number: sent.sent(record, isTracked: true), address: path)
  }

  /// Whether the window and the pacer let bytes leave, or a probe is due.
  private mutating func maySendBytes(now: Instant) -> Bool {
    if probes > 0 { return true }
    guard outgoing.hasSomething else {
      if sent.inFlight + mtu.current <= congestion.window, !outgoing.isBlocked {
        sent.applicationLimited()
      }
      return false
    }
    guard sent.inFlight + mtu.current <= congestion.window else { return false }
    let rate = congestion.rate
    pacer.refill(now: now, rate: rate, datagram: mtu.current)
    guard pacer.isOpen else {
      pacedUntil = pacer.opens(rate: rate, datagram: mtu.current)
      return false
    }
    return true
  }

  /// Appends as many bytes as there is room for.
  private mutating func appendBytes(
    _ record: inout SentPacket, room: Int, _ frames: inout [UInt8]
  ) -> Bool {
    // Kind, offset of at most 8 bytes, and a length that always takes two.
    let space = room - frames.count - 11
    guard let (range, isLast) = outgoing.take(space) else { return false }
    record.offset = range.lowerBound
    record.length = range.count
    record.isLast = isLast
    frames.append(isLast ? StreamFrame.Kind.lastBytes : StreamFrame.Kind.bytes)
    frames.append(0xC0 | UInt8(truncatingIfNeeded: range.lowerBound >> 56))
    for shift in stride(from: 48, through: 0, by: -8) {
      frames.append(UInt8(truncatingIfNeeded: range.lowerBound >> UInt64(shift)))
    }
    frames.append(0x40 | UInt8(range.count >> 8))
    frames.append(UInt8(truncatingIfNeeded: range.count))
    outgoing.read(range) { frames.append(contentsOf: $0) }
    return true
  }

  private mutating func appendAcknowledgement(now: Instant, _ frames: inout [UInt8]) {
    StreamFrameWriter.acknowledgement(
      delay: received.delay(now: now), ranges: received.numbers, to: &frames)
    received.acknowledged()
  }

  /// A packet that asks whether the path carries longer ones.
  private mutating func probePacket(now: Instant, _ frames: inout [UInt8]) -> Packet? {
    // Only where there is something to send, and once something has arrived.
    guard roundTrip.hasSample, outgoing.hasSomething, let size = mtu.probe(now: now),
      sent.inFlight + size <= congestion.window
    else { return nil }
    mtu.probeSent()
    frames.append(StreamFrame.Kind.ping)
    frames.append(contentsOf: repeatElement(0, count: size - Self.overhead - 1))
    var record = SentPacket(sentAt: now, size: size, deliveredAt: now, firstSentAt: now)
    record.isProbe = true
    pacer.spend(size)
    return Packet(number: sent.sent(record, isTracked: true), address: path)
  }

  /// The proof of a path, asked for or given.
  private mutating func pathPacket(now: Instant, _ frames: inout [UInt8]) -> Packet? {
    if let (value, address) = response {
      response = nil
      frames.append(StreamFrame.Kind.response)
      StreamFrameWriter.append(word: value, to: &frames)
      return untracked(frames, now: now, to: address)
    }
    guard owesChallenge, let candidate else { return nil }
    owesChallenge = false
    frames.append(StreamFrame.Kind.challenge)
    StreamFrameWriter.append(word: candidate.challenge, to: &frames)
    return untracked(frames, now: now, to: candidate.address)
  }

  private mutating func resetPacket(
    _ code: UInt64, now: Instant, _ frames: inout [UInt8]
  ) -> Packet? {
    owesReset = nil
    resets += 1
    frames.append(StreamFrame.Kind.reset)
    StreamFrameWriter.append(code, to: &frames)
    return untracked(frames, now: now, to: path)
  }

  private mutating func untracked(
    _ frames: [UInt8], now: Instant, to address: Address
  ) -> Packet {
    let record = SentPacket(
      sentAt: now, size: frames.count + Self.overhead, deliveredAt: now, firstSentAt: now)
    return Packet(number: sent.sent(record, isTracked: false), address: address)
  }
}
