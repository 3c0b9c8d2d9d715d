import CoreMetrics
import Cryptography
import NIOCore
import Transfer
import Wire

/// Streams asked for, granted and refused.
extension StreamMultiplexer {
  /// A stream that this node asked for.
  struct Opening {
    var opener: StreamOpener
    let ephemeral: EphemeralKey
    let key: PublicKey
    let address: Address
    let settings: StreamSettings
    let ticket: DatagramStreams.Ticket
    let promise: EventLoopPromise<DatagramStreamChannel>
    /// Packets that overtook the answer to the opening: without them the peer's first words would
    /// come again only after its probe time.
    var early: [(packet: [UInt8], address: Address)] = []
    /// Nobody wants the stream any more: if it is granted all the same, it ends at once.
    var isGivenUp = false
  }

  static let earlyBound = 16

  /// What names a stream that a peer asked for, so that a repeated OPEN gets the same answer.
  struct Grant: Hashable {
    let key: PublicKey
    let session: UInt64
  }

  /// Begins to open a stream.
  func open(
    _ key: PublicKey, at address: Address, within patience: Duration,
    _ ticket: DatagramStreams.Ticket
  ) -> EventLoopFuture<DatagramStreamChannel> {
    let promise = loop.makePromise(of: DatagramStreamChannel.self)
    guard parent != nil, openings.values.count(where: { !$0.isGivenUp }) < settings.openings,
      openings.count < 4 * settings.openings, channels.count < settings.streams,
      key != streams.key
    else {
      promise.fail(DatagramStreams.OpenError.unavailable)
      return promise.futureResult
    }
    let ephemeral = EphemeralKey()
    let session = freshSession()
    let share = shareOfMemory()
    tally.opened += 1
    metrics.opened.increment()
    let opener = StreamOpener(
      session: session, ephemeral: ephemeral.publicKey,
      credit: ReliableStream.firstCredit(share), offersAES: offersAES,
      patience: patience)
    openings[session] = Opening(
      opener: opener, ephemeral: ephemeral, key: key, address: address, settings: share,
      ticket: ticket, promise: promise)
    keepAsking(session)
    return promise.futureResult
  }

  /// Gives an opening up, if it still runs.
  func giveUp(_ ticket: DatagramStreams.Ticket) {
    let wanted = openings.first { $0.value.ticket === ticket && !$0.value.isGivenUp }
    guard let (session, opening) = wanted else { return }
    openings[session]?.isGivenUp = true
    openings[session]?.early = []
    opening.promise.fail(CancellationError())
  }

  private func keepAsking(_ session: UInt64) {
    guard var opening = openings[session] else { return }
    guard !opening.isGivenUp else { return waitForGrant(session) }
    let (sends, outcome) = opening.opener.tick(now: .uptime)
    openings[session] = opening
    if sends { streams.send(opening.opener.message, to: opening.key, at: opening.address) }
    guard outcome == nil else {
      openings[session] = nil
      tally.unanswered += 1
      metrics.unanswered.increment()
      opening.promise.fail(DatagramStreams.OpenError.silent)
      return
    }
    let bound = NIOLoopBound(self, eventLoop: loop)
    let wait = max(.microseconds(100), opening.opener.nextDeadline - .uptime)
    loop.scheduleTask(in: TimeAmount(wait)) { bound.value.keepAsking(session) }
  }

  /// Forgets an opening that was given up when its OPEN can't be answered any more.
  private func waitForGrant(_ session: UInt64) {
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: TimeAmount(StreamOpener.patience)) {
      bound.value.openings[session] = nil
    }
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
    case .again where opening.isGivenUp: openings[session] = nil
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
        settings: opening.settings, path: opening.address, credit: grant.credit,
        roundTrip: grant.roundTrip, now: .uptime)
      guard let channel = add(session, stream, box, key, isOutgoing: true) else {
        return opening.promise.fail(DatagramStreams.OpenError.unavailable)
      }
      guard !opening.isGivenUp else { return channel.abandon() }
      for (packet, address) in opening.early {
        packet.withUnsafeBytes { take($0, from: address) }
      }
      channel.lateness = grant.lateness
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
    // Who replays an OPEN, with the cookie that it bore, makes no state here.
    guard !ended.contains(grant, now: .uptime) else {
      tally.replayed += 1
      return metrics.replayed.increment()
    }
    guard hasRoom(for: key, at: address) else { return refuse(theirs, key, address) }
    let own = EphemeralKey()
    let share = shareOfMemory()
    let session = freshSession()
    let sides = StreamBox.Sides(
      opener: key, acceptor: streams.key, openerSession: theirs, acceptorSession: session)
    let box = StreamBox(
      own: own, peer: ephemeral, sides: sides, isOpener: false, usesAES: usesAES)
    guard let box else { return }
    let stream = ReliableStream(
      settings: share, path: address, credit: credit, roundTrip: nil, now: .uptime)
    guard let channel = add(session, stream, box, key, isOutgoing: false) else { return }
    if address.detour != nil { channel.mark.way = .relayed }
    guard streams.offer(channel) else {
      channel.abandon()
      remove(session)
      return refuse(theirs, key, address)
    }
    let answer = StreamOpening.accept(
      opener: theirs, session: session, ephemeral: own.publicKey,
      credit: ReliableStream.firstCredit(share), usesAES: usesAES)
    tally.granted += 1
    metrics.granted.increment()
    grants[grant] = (session, answer)
    granted[session] = grant
    streams.send(answer, to: key, at: address)
  }

  /// Whether one more stream is granted: no node and no address takes the room of all others.
  private func hasRoom(for key: PublicKey, at address: Address) -> Bool {
    guard channels.count < settings.streams else { return false }
    var count = 0
    var ofKey = 0
    var atPlace = 0
    let place = address.ip.place
    for channel in channels.values where !channel.isOutgoing {
      count += 1
      if channel.peer == key { ofKey += 1 }
      if channel.address.ip.place == place { atPlace += 1 }
    }
    // All relays' ways are of one network that is none.
    let isExempt = address.detour != nil || address.ip.isLoopback && settings.exemptsLoopback
    return count < settings.incomingStreams && ofKey < settings.streamsPerNode
      && (isExempt || atPlace < settings.streamsPerAddress)
  }

  /// The bounds of one more stream: windows are smaller where many streams share the memory.
  private func shareOfMemory() -> StreamSettings {
    var share = settings.stream
    let own = share.memory
    var taken = openings.values.reduce(0) { $0 + $1.settings.memory }
    for channel in channels.values { taken += channel.memory }
    let room = max(Self.leastMemory, (settings.memory - taken) / 8)
    guard own > room else { return share }
    share.receiveWindow = max(1, share.receiveWindow * room / own)
    share.sendBuffer = max(1, share.sendBuffer * room / own)
    return share
  }

  private static let leastMemory = 256 << 10

  private func refuse(_ session: UInt64, _ key: PublicKey, _ address: Address) {
    tally.refused += 1
    metrics.refused.increment()
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
