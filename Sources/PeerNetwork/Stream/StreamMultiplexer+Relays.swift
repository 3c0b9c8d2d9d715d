import Cryptography
import NIOCore
import Transfer
import Wire

/// Datagrams that go by way of a relay, and those that this node passes on for others.
extension StreamMultiplexer {
  /// Takes in what somebody asked of this node as a relay.
  func serve(_ message: RelayMessage, from party: RelayDesk.Party) {
    send(desk.receive(message, from: party, fresh: random.next(), now: .uptime))
    watchRelays()
  }

  /// Keeps to what the owner's other rules say about relaying now.
  func keepTo(_ rules: RelayRules) {
    send(desk.pause(!rules.isOn))
    // One half, so that neither others' bytes nor our own uploads have to wait for good.
    desk.limit(to: rules.uploadLimit.map { max(1, $0 / 2) }, now: .uptime)
  }

  /// Looks in a while after the ways and guests that there are now.
  private func watchRelays() {
    let isNeeded = desk.slotCount > 0 || desk.guestCount > 0 || !relayedWays.isEmpty
    guard isNeeded, relayTimer == nil, context != nil else { return }
    let bound = NIOLoopBound(self, eventLoop: loop)
    relayTimer = loop.scheduleTask(in: TimeAmount(settings.relayCheck)) {
      bound.value.relayTimer = nil
      bound.value.lookAfterRelays()
      bound.value.watchRelays()
    }
  }

  private func lookAfterRelays() {
    send(desk.tick(now: .uptime))
    let used = Set(channels.values.map(\.address))
    for (address, way) in relayedWays.sweep(used: used, now: .uptime) {
      detours.remove(address)
      let message = RelayMessage.close(slot: way.slot, .done)
      streams.send(RelayDesk.Sending(message: message, party: way.relay))
    }
  }

  /// Makes a way for the datagrams that a relay passes on for a slot.
  ///
  /// `peer` is where the relay sees the other end.
  func addDetour(by relay: RelayDesk.Party, slot: UInt64, to peer: Address) -> Address? {
    guard let address = detours.add(.relay(relay, slot: slot), to: peer, now: .uptime) else {
      return nil
    }
    relayedWays.add(RelayedWays.Way(relay: relay, slot: slot), at: address, now: .uptime)
    watchRelays()
    return address
  }

  /// Ends the way of a slot, and the streams over it.
  func endDetour(by relay: RelayDesk.Party, slot: UInt64) {
    guard let address = detours.address(of: slot, by: relay) else { return }
    detours.remove(address)
    relayedWays.remove(address)
    for channel in Array(channels.values) where channel.address == address { channel.abandon() }
  }

  /// What this node relays now.
  var relayed: RelayStatus {
    RelayStatus(
      isEnabled: desk.isRelaying, slots: desk.slotCount, guests: desk.guestCount,
      bytes: desk.passedBytes, overQuota: desk.refusedByQuota)
  }

  /// Passes on, or takes in, a datagram that bears a slot's number.
  func takeDetoured(
    _ datagram: ByteBuffer, from address: Address, context: ChannelHandlerContext
  ) {
    var inner = datagram
    guard inner.readInteger(as: UInt8.self) == RelayMessage.detour,
      let slot = inner.readInteger(as: UInt64.self), inner.readableBytes > 0
    else { return }
    switch desk.pass(slot, count: datagram.readableBytes, from: address, now: .uptime) {
    case .pass(let target):
      let count = datagram.readableBytes
      let hasLeft = datagram.withUnsafeReadableBytes {
        senderForStreams()?.pass(copying: $0, to: target) ?? false
      }
      guard hasLeft else { return desk.lost(count) }
      streams.charge(count)
      hasForwarded = true
      return
    case .end(let sendings): return send(sendings)
    case .drop: break
    }
    guard let way = detours.address(of: slot, from: address, now: .uptime) else { return }
    receive(inner, by: way, context: context)
  }

  /// Takes in a datagram that came by a way that is no address.
  func receive(_ datagram: ByteBuffer, by way: Address, context: ChannelHandlerContext) {
    guard datagram.getInteger(at: datagram.readerIndex, as: UInt8.self) == StreamBox.kind else {
      guard let remote = way.socketAddress(onIPv6: true), isWantedAbove() else { return }
      context.fireChannelRead(
        wrapInboundOut(AddressedEnvelope(remoteAddress: remote, data: datagram)))
      return
    }
    datagram.withUnsafeReadableBytes { take($0, from: way) }
  }

  /// Sends a sealed datagram by a way that is no address.
  func send(_ packet: [UInt8], by way: Address) {
    switch detours.target(of: way, now: .uptime) {
    case .relay(let relay, let slot):
      let bytes = Self.header(of: slot) + packet
      guard let sender = senderForStreams() else { return }
      bytes.withUnsafeBytes { sender.add(copying: $0, to: relay.address) }
      sender.flush()
    case .socket(let channel, let target):
      write(ByteBuffer(bytes: packet), on: channel, to: target)
    case nil: return
    }
  }

  /// Seals a packet of a stream and sends it to an address or by a way that is none.
  func send(
    _ frames: [UInt8], number: UInt64, box: StreamBox, to address: Address, _ sender: DatagramSender
  ) {
    guard address.detour != nil else {
      return sender.add(frames, number: number, box: box, to: address)
    }
    switch detours.target(of: address, now: .uptime) {
    case .relay(let relay, let slot):
      sender.add(
        frames, number: number, box: box, to: relay.address, behind: Self.header(of: slot))
    case .socket(let channel, let target):
      var bytes = ByteBuffer()
      let length = frames.count + StreamBox.overhead
      bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { room in
        box.seal(frames, number: number, into: room)
      }
      write(bytes, on: channel, to: target)
    case nil: return
    }
  }

  func write(_ bytes: ByteBuffer, on channel: any Channel, to target: Address) {
    let isIPv6 = if case .v6 = target.ip { true } else { false }
    guard channel.isWritable, let remote = target.socketAddress(onIPv6: isIPv6) else { return }
    channel.writeAndFlush(AddressedEnvelope(remoteAddress: remote, data: bytes), promise: nil)
  }

  private func send(_ sendings: [RelayDesk.Sending]) {
    for sending in sendings { streams.send(sending) }
  }

  private static func header(of slot: UInt64) -> [UInt8] {
    var bytes = [RelayMessage.detour]
    for place in (0..<8).reversed() {
      bytes.append(UInt8(truncatingIfNeeded: slot >> UInt64(place * 8)))
    }
    return bytes
  }
}

/// What the owner's rules for uploads say about relaying.
struct RelayRules: Sendable {
  /// Not on a metered link.
  var isOn = true
  /// Bytes a second of all uploads together; nil for no limit.
  var uploadLimit: UInt64?
}

/// What a node relays for others, at one moment.
public struct RelayStatus: Sendable, Equatable {
  /// Whether it relays now.
  public var isEnabled = false
  /// The ways that stand or are offered.
  public var slots = 0
  /// The nodes that are registered.
  public var guests = 0
  /// The bytes passed on since the start.
  public var bytes: UInt64 = 0
  /// Ways that ended because a quota was used up.
  public var overQuota: UInt64 = 0
}
