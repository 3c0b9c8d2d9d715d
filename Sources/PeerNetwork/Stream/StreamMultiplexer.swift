import Cryptography
import NIOCore
import NIOPosix
import Transfer
import Wire

/// Hands the packets of UDP streams to their streams, and all else on: one handler on the UDP channel,
/// on its event loop.
final class StreamMultiplexer: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias InboundOut = AddressedEnvelope<ByteBuffer>

  /// A stream that this node asked for.
  private struct Opening {
    var opener: StreamOpener
    let ephemeral: EphemeralKey
    let key: PublicKey
    let address: Address
    let promise: EventLoopPromise<DatagramStreamChannel>
    /// Packets that overtook the answer to the opening: without them the peer's first words would
    /// come again only after its probe time.
    var early: [(packet: [UInt8], address: Address)] = []
  }

  private static let earlyBound = 16

  /// What names a stream that a peer asked for, so that a repeated OPEN gets the same answer.
  private struct Grant: Hashable {
    let key: PublicKey
    let session: UInt64
  }

  let streams: DatagramStreams
  private let isIPv6: Bool
  var channels: [UInt64: DatagramStreamChannel] = [:]
  private var openings: [UInt64: Opening] = [:]
  private var grants: [Grant: (session: UInt64, answer: StreamOpening)] = [:]
  private var granted: [UInt64: Grant] = [:]
  /// Streams to which packets came in this turn of the loop.
  private var touched: [DatagramStreamChannel] = []
  private var frames: [UInt8] = []
  var random = SystemRandomNumberGenerator()
  private(set) var sender: DatagramSender?
  let loop: any EventLoop
  /// The attempt to hit a port of another node that runs now.
  var probeRun: ProbeRun?
  private(set) var context: ChannelHandlerContext?
  /// The UDP channel, until its socket is gone.
  private var parent: (any Channel)?

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

  private var offersAES: Bool { settings.offersAES && StreamBox.hasFastAES }

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
      let kind = datagram.getInteger(at: datagram.readerIndex, as: UInt8.self)
      guard kind == StreamBox.kind || kind == RelayMessage.detour else {
        let single = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: datagram)
        context.fireChannelRead(wrapInboundOut(single))
        continue
      }
      if address == nil { address = Address(envelope.remoteAddress) }
      // What comes in by a way that is no address does not come from the socket.
      guard let address, address.port != 0, address.detour == nil else { return }
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
    guard let opening = openings[session], opening.early.count < Self.earlyBound,
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
  }

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
    // A socket of its own was there for this stream alone.
    if let way = channels.removeValue(forKey: session)?.address {
      if detours.isSocket(way) { detours.remove(way) }
      relayedWays.release(way, now: .uptime)
    }
    if let grant = granted.removeValue(forKey: session) { grants[grant] = nil }
  }

  // MARK: Openings

  /// Begins to open a stream.
  func open(_ key: PublicKey, at address: Address) -> EventLoopFuture<DatagramStreamChannel> {
    let promise = loop.makePromise(of: DatagramStreamChannel.self)
    guard parent != nil, openings.count < settings.openings, channels.count < settings.streams,
      key != streams.key
    else {
      promise.fail(DatagramStreams.OpenError.unavailable)
      return promise.futureResult
    }
    let ephemeral = EphemeralKey()
    let session = freshSession()
    let opener = StreamOpener(
      session: session, ephemeral: ephemeral.publicKey,
      credit: ReliableStream.firstCredit(settings.stream), offersAES: offersAES)
    openings[session] = Opening(
      opener: opener, ephemeral: ephemeral, key: key, address: address, promise: promise)
    keepAsking(session)
    return promise.futureResult
  }

  private func keepAsking(_ session: UInt64) {
    guard var opening = openings[session] else { return }
    let (sends, outcome) = opening.opener.tick(now: .uptime)
    openings[session] = opening
    if sends { streams.send(opening.opener.message, to: opening.key, at: opening.address) }
    guard outcome == nil else {
      openings[session] = nil
      opening.promise.fail(DatagramStreams.OpenError.silent)
      return
    }
    let bound = NIOLoopBound(self, eventLoop: loop)
    let wait = max(.microseconds(100), opening.opener.nextDeadline - .uptime)
    loop.scheduleTask(in: TimeAmount(wait)) { bound.value.keepAsking(session) }
  }

  /// Takes in a message of an opening exchange.
  func receive(_ message: StreamOpening, from key: PublicKey, at address: Address) {
    guard parent != nil else { return }
    switch message {
    case .open(let session, let ephemeral, let credit, let theirsOffersAES):
      let usesAES = theirsOffersAES && offersAES
      grant(session, ephemeral, credit, usesAES: usesAES, to: key, at: address)
    case .accept(let session, _, _, _, _), .retry(let session, _), .refuse(let session, _):
      answered(session, message, from: key)
    }
  }

  private func answered(_ session: UInt64, _ message: StreamOpening, from key: PublicKey) {
    guard var opening = openings[session], opening.key == key else { return }
    switch opening.opener.receive(message, now: .uptime) {
    case .ignored: break
    case .again:
      openings[session] = opening
      streams.send(opening.opener.message, to: opening.key, at: opening.address)
    case .ended(.granted(let grant)):
      openings[session] = nil
      let sides = StreamBox.Sides(
        opener: streams.key, acceptor: key, openerSession: session,
        acceptorSession: grant.session)
      let box = StreamBox(
        own: opening.ephemeral, peer: grant.ephemeral, sides: sides, isOpener: true,
        usesAES: grant.usesAES)
      guard let box else { return opening.promise.fail(DatagramStreams.OpenError.malformed) }
      let stream = ReliableStream(
        settings: settings.stream, path: opening.address, credit: grant.credit,
        roundTrip: grant.roundTrip, now: .uptime)
      guard let channel = add(session, stream, box, key, isOutgoing: true) else {
        return opening.promise.fail(DatagramStreams.OpenError.unavailable)
      }
      for (packet, address) in opening.early {
        packet.withUnsafeBytes { take($0, from: address) }
      }
      // The peer learns from it that its answer came.
      channel.greet()
      opening.promise.succeed(channel)
    case .ended(.refused(let reason)):
      openings[session] = nil
      opening.promise.fail(DatagramStreams.OpenError.refused(reason))
    case .ended(.silent): break
    }
  }

  private func grant(
    _ theirs: UInt64, _ ephemeral: Bytes32, _ credit: UInt64, usesAES: Bool,
    to key: PublicKey, at address: Address
  ) {
    let grant = Grant(key: key, session: theirs)
    if let known = grants[grant] { return streams.send(known.answer, to: key, at: address) }
    guard hasRoom(for: key, at: address) else { return refuse(theirs, key, address) }
    let own = EphemeralKey()
    let session = freshSession()
    let sides = StreamBox.Sides(
      opener: key, acceptor: streams.key, openerSession: theirs, acceptorSession: session)
    let box = StreamBox(
      own: own, peer: ephemeral, sides: sides, isOpener: false, usesAES: usesAES)
    guard let box else { return }
    let stream = ReliableStream(
      settings: settings.stream, path: address, credit: credit, roundTrip: nil, now: .uptime)
    guard let channel = add(session, stream, box, key, isOutgoing: false) else { return }
    if address.detour != nil { channel.mark.way = .relayed }
    guard streams.offer(channel) else {
      channel.abandon()
      remove(session)
      return refuse(theirs, key, address)
    }
    let answer = StreamOpening.accept(
      opener: theirs, session: session, ephemeral: own.publicKey,
      credit: ReliableStream.firstCredit(settings.stream), usesAES: usesAES)
    grants[grant] = (session, answer)
    granted[session] = grant
    streams.send(answer, to: key, at: address)
  }

  /// Whether one more stream is granted: no node and no address takes the room of all others.
  private func hasRoom(for key: PublicKey, at address: Address) -> Bool {
    guard channels.count < settings.streams else { return false }
    var ofKey = 0
    var atAddress = 0
    for channel in channels.values where !channel.isOutgoing {
      if channel.peer == key { ofKey += 1 }
      if channel.address.ip == address.ip { atAddress += 1 }
    }
    return ofKey < settings.streamsPerNode
      && (address.ip.isLoopback || atAddress < settings.streamsPerAddress)
  }

  private func refuse(_ session: UInt64, _ key: PublicKey, _ address: Address) {
    streams.send(.refuse(opener: session, reason: .busy), to: key, at: address)
  }

  private func add(
    _ session: UInt64, _ stream: ReliableStream, _ box: StreamBox, _ key: PublicKey,
    isOutgoing: Bool
  ) -> DatagramStreamChannel? {
    guard let parent else { return nil }
    let channel = DatagramStreamChannel(
      parent: parent, multiplexer: self, session: session, stream: stream, box: box, peer: key,
      isOutgoing: isOutgoing)
    channels[session] = channel
    channel.rearm()
    return channel
  }

  private func freshSession() -> UInt64 {
    while true {
      let session = random.next()
      if channels[session] == nil, openings[session] == nil { return session }
    }
  }
}

extension Instant {
  /// Now, on the clock of the event loops.
  static var uptime: Instant { Instant(nanoseconds: NIODeadline.now().uptimeNanoseconds) }
}
