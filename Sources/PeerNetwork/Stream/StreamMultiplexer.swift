import CoreMetrics
import Cryptography
import NIOCore
import NIOPosix
import Transfer
import Wire

/// Hands the packets of UDP streams to their streams, and all else on: one handler on the UDP channel,
/// on its event loop.
final class StreamMultiplexer: ChannelDuplexHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias InboundOut = AddressedEnvelope<ByteBuffer>
  typealias OutboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  let streams: DatagramStreams
  private let isIPv6: Bool
  var channels: [UInt64: DatagramStreamChannel] = [:]
  var openings: [UInt64: Opening] = [:]
  var grants: [Grant: (session: UInt64, answer: StreamOpening)] = [:]
  var granted: [UInt64: Grant] = [:]
  var ended = RecentSessions<Grant>()
  /// Whether the DHT asked to read since the socket was read last.
  private var isReadWanted = true
  private var isReadChecked = false
  /// Datagrams handed to the DHT while it asked for none; nil while it does.
  private var overdue: Int?
  var tally = StreamTally()
  let metrics = StreamMetrics()
  /// Streams to which packets came in this turn of the loop.
  private var touched: [DatagramStreamChannel] = []
  private var frames: [UInt8] = []
  var random = SystemRandomNumberGenerator()
  private(set) var sender: DatagramSender?
  let loop: any EventLoop
  /// The attempt to hit a port of another node that runs now.
  var probeRun: ProbeRun?
  /// The same, or the one before: knocks still come in when it has ended.
  var lastProbeRun: ProbeRun?
  /// How often such attempts may be.
  var probeLimits = ProbeLimits()
  private(set) var context: ChannelHandlerContext?
  /// The UDP channel, until its socket is gone.
  private(set) var parent: (any Channel)?

  /// What this node relays for others.
  var desk: RelayDesk
  /// Ways of datagrams that are no addresses.
  var detours = Detours()
  /// The ways by relays that this node is an end of.
  var relayedWays = RelayedWays()
  /// What looks after those ways and after those of others.
  var relayTimer: Scheduled<Void>?
  /// Whether datagrams of others wait to be sent on.
  var hasForwarded = false

  init(streams: DatagramStreams, isIPv6: Bool, eventLoop: any EventLoop) {
    self.streams = streams
    desk = RelayDesk(settings: streams.settings.relay, now: .uptime)
    self.isIPv6 = isIPv6
    loop = eventLoop
    keepTo(streams.relayRules)
  }

  var settings: DatagramStreams.Settings { streams.settings }

  var offersAES: Bool { settings.offersAES && StreamBox.hasFastAES }

  func handlerAdded(context: ChannelHandlerContext) {
    parent = context.channel
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    end()
  }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  private func end() {
    context = nil
    for socket in probeRun?.sockets ?? [] { socket.close(promise: nil) }
    probeRun = nil
    lastProbeRun = nil
    relayTimer?.cancel()
    relayTimer = nil
    relayedWays.removeAll()
    streams.detach()
    // Nothing may be written to a descriptor that is closed and may be another file's by now.
    parent = nil
    sender?.close()
    sender = nil
    for opening in openings.values { opening.promise.fail(DatagramStreams.OpenError.unavailable) }
    openings = [:]
    for channel in channels.values { channel.abandon() }
    channels = [:]
    grants = [:]
    granted = [:]
    detours.removeAll()
  }

  // MARK: Packets

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    var rest = envelope.data
    // With receive offload one buffer holds many datagrams of one length; the last may be shorter.
    let size = max(1, envelope.metadata?.segmentSize ?? rest.readableBytes)
    var address: Address?
    while let datagram = rest.readSlice(length: min(size, rest.readableBytes)),
      datagram.readableBytes > 0
    {
      if address == nil { address = Address(envelope.remoteAddress) }
      // What comes in by a way that is no address does not come from the socket.
      guard let address, address.port != 0, address.detour == nil else { return }
      let kind = datagram.getInteger(at: datagram.readerIndex, as: UInt8.self)
      guard kind == StreamBox.kind || kind == RelayMessage.detour else {
        guard isWantedAbove() else { continue }
        let single = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: datagram)
        context.fireChannelRead(wrapInboundOut(single))
        continue
      }
      guard kind == StreamBox.kind else {
        takeDetoured(datagram, from: address, context: context)
        continue
      }
      datagram.withUnsafeReadableBytes { take($0, from: address) }
    }
  }

  func take(_ packet: UnsafeRawBufferPointer, from address: Address) {
    guard let header = StreamBox.header(of: packet) else { return }
    guard let channel = channels[header.session] else {
      return keepEarly(packet, for: header.session, from: address)
    }
    guard channel.receive(packet, number: header.number, from: address, &frames, &random) else {
      return
    }
    guard !channel.isTouched else { return }
    channel.isTouched = true
    touched.append(channel)
  }

  private func keepEarly(
    _ packet: UnsafeRawBufferPointer, for session: UInt64, from address: Address
  ) {
    guard let opening = openings[session], !opening.isGivenUp,
      opening.early.count < Self.earlyBound,
      packet.count <= settings.stream.largestDatagram
    else { return }
    openings[session]?.early.append((Array(packet), address))
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if hasForwarded {
      hasForwarded = false
      sender?.flush()
    }
    pumpTouched()
    context.fireChannelReadComplete()
    checkReads()
  }

  // MARK: Reading

  func read(context: ChannelHandlerContext) {
    isReadWanted = true
    overdue = nil
    context.read()
  }

  /// Looks, at the end of this turn, whether the DHT wants more to be read. If it does not keep up, the
  /// streams read without it: a flood of its datagrams must not hold them up.
  private func checkReads() {
    guard !channels.isEmpty, !isReadChecked else { return }
    isReadChecked = true
    isReadWanted = false
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.execute {
      let multiplexer = bound.value
      multiplexer.isReadChecked = false
      guard !multiplexer.isReadWanted, !multiplexer.channels.isEmpty else { return }
      if multiplexer.overdue == nil { multiplexer.overdue = 0 }
      multiplexer.context?.read()
    }
  }

  /// Whether the DHT takes one more datagram: some wait for it even if it does not keep up.
  func isWantedAbove() -> Bool {
    guard let waiting = overdue else { return true }
    guard waiting < Self.overdueBound else {
      tally.dropped += 1
      metrics.dropped.increment()
      return false
    }
    overdue = waiting + 1
    return true
  }

  private static let overdueBound = 256

  /// Lets the streams to which packets came do what they can do now.
  func pumpTouched() {
    let channels = touched
    touched.removeAll(keepingCapacity: true)
    for channel in channels {
      channel.isTouched = false
      channel.pump()
    }
  }

  /// What packets leave by, made at the first one; nil without a socket.
  func senderForStreams() -> DatagramSender? {
    if let sender { return sender }
    guard let parent else { return nil }
    sender = try? DatagramSender(
      channel: parent, eventLoop: loop, isIPv6: isIPv6,
      isLowEffort: settings.stream.congestion == .background
    ) { [weak self] in
      guard let self else { return }
      for channel in Array(self.channels.values) { channel.pump() }
    }
    return sender
  }

  /// Forgets a stream that is gone.
  func remove(_ session: UInt64) {
    if let way = channels.removeValue(forKey: session)?.address {
      if detours.isSocket(way), !channels.values.contains(where: { $0.address == way }) {
        detours.remove(way)
      }
      relayedWays.release(way, now: .uptime)
    }
    if let grant = granted.removeValue(forKey: session) {
      grants[grant] = nil
      ended.insert(grant, now: .uptime)
    }
  }

  /// Notes how a stream ended.
  func note(_ failure: StreamFailure) {
    switch failure {
    case .silent:
      tally.lost += 1
      metrics.lost.increment()
    case .violation, .reset:
      tally.violations += 1
      metrics.violations.increment()
    }
  }
}

extension Instant {
  /// Now, on the clock of the event loops.
  static var uptime: Instant { Instant(nanoseconds: NIODeadline.now().uptimeNanoseconds) }
}
