public import Cryptography
import NIOCore
import Synchronization
public import Transfer
public import Wire

/// The UDP streams of a node: reliable streams over sealed datagrams on the DHT's socket, for peers that
/// TCP can't reach (docs/PROTOCOL.md, "The UDP stream").
///
/// The DHT's service attaches it to its socket and carries the opening exchange; the transfer's service
/// opens and accepts streams. A node without it answers no opening.
public final class DatagramStreams: Sendable {
  /// The bounds of a node's streams.
  public struct Settings: Sendable {
    /// The streams that may be open or closing, both directions together.
    public var streams = 256
    /// The streams that one node may have opened to us.
    public var streamsPerNode = 4
    /// The streams that may have been opened to us from one IPv4 address or IPv6 network of 64 bits.
    public var streamsPerAddress = 16
    /// Whether that bound does not hold for loopback.
    public var exemptsLoopback = true
    /// The bytes that all streams together may keep, about: those that come when much of it is taken
    /// have smaller windows, down to 128 KiB each way.
    public var memory = 256 << 20
    /// The openings that may be under way.
    public var openings = 64
    /// The granted streams that nobody has taken yet; further openings are refused.
    public var waiting = 16
    /// How long the last bytes of a closed stream may take.
    public var lingerTime = Duration.seconds(10)
    /// Whether packets may be sealed with AES where both machines are fast at it.
    public var offersAES = true
    /// What this node relays for others.
    public var relay = RelayDesk.Settings()
    /// How often ways by relays, others' and own ones, are looked after.
    public var relayCheck = Duration.seconds(5)
    /// How often this node registers anew at relays.
    public var relayRenewal = Duration.seconds(30)
    /// Where relays may be, and nodes to which they lead: within one site nothing stands between.
    public var isRelayable: @Sendable (IPAddress) -> Bool = { $0.isGlobal }
    /// The bounds and times of each stream.
    public var stream = StreamSettings()

    /// The streams that others may have opened: the rest is for those that this node opens.
    var incomingStreams: Int { streams - streams / 4 }

    /// The defaults.
    public init() {}
  }

  /// Why a stream could not be opened.
  public enum OpenError: Error, Equatable, Sendable {
    /// There is no socket, or as many streams as may be.
    case unavailable
    /// Nobody answered.
    case silent
    /// The peer refused.
    case refused(StreamOpening.Refusal)
    /// The peer's answer makes no sense.
    case malformed
  }

  /// A message of an opening exchange that the DHT's service seals and sends.
  struct Message: Sendable {
    let bytes: [UInt8]
    let key: PublicKey
    let address: Address
  }

  /// Asks nodes in the middle to let a node and this one write to each other; where the node answered.
  typealias Rendezvous = @Sendable (PublicKey) async -> Address?
  /// Asks relays for a way to a node; the address of the way.
  typealias Relaying = @Sendable (PublicKey, [RelayDesk.Party]) async -> Address?
  /// Proposes to a node, by a relay's way, that both try each other's ports.
  typealias Probing = @Sendable (PublicKey, Address) async -> Void

  let key: PublicKey
  let settings: Settings
  /// What has to be sent sealed; the oldest wait, the newest of too many are dropped and sent again by
  /// their openers.
  let messages: AsyncStream<Message>
  /// Streams that peers opened.
  let incoming: AsyncStream<DatagramStreamChannel>
  private let message: AsyncStream<Message>.Continuation
  private let arrival: AsyncStream<DatagramStreamChannel>.Continuation
  private let helpers = Mutex<
    (rendezvous: Rendezvous, relaying: Relaying, probing: Probing)?
  >(nil)
  private let probed = Mutex<Set<PublicKey>>([])
  private let multiplexer = Mutex<NIOLoopBound<StreamMultiplexer>?>(nil)
  private let rules = Mutex(RelayRules())
  private let upload = Mutex<RateLimiter?>(nil)

  /// The streams of the node with this key.
  public init(key: PublicKey, settings: Settings = Settings()) {
    self.key = key
    self.settings = settings
    (messages, message) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(256))
    (incoming, arrival) = AsyncStream.makeStream(
      bufferingPolicy: .bufferingOldest(settings.waiting))
  }

  /// Puts the streams in front of what reads from a UDP channel; on the channel's event loop.
  func attach(to channel: any Channel, isIPv6: Bool) throws {
    let handler = StreamMultiplexer(
      streams: self, isIPv6: isIPv6, eventLoop: channel.eventLoop)
    try channel.pipeline.syncOperations.addHandler(handler)
    multiplexer.withLock { $0 = NIOLoopBound(handler, eventLoop: channel.eventLoop) }
  }

  /// The socket is gone.
  func detach() {
    multiplexer.withLock { $0 = nil }
  }

  /// Takes what finds nodes in the middle and asks relays.
  func take(
    _ rendezvous: @escaping Rendezvous, _ relaying: @escaping Relaying,
    _ probing: @escaping Probing
  ) {
    helpers.withLock { $0 = (rendezvous, relaying, probing) }
  }

  /// Whether there is anybody who could find nodes in the middle.
  var canPunch: Bool { helpers.withLock { $0 != nil } }

  /// Opens a way for datagrams to a node behind a NAT; where it answered, or nil.
  func punch(_ key: PublicKey) async -> Address? {
    guard let helpers = helpers.withLock({ $0 }) else { return nil }
    return await helpers.rendezvous(key)
  }

  /// Asks relays for a way to a node; the address of the way, or nil.
  func relay(to key: PublicKey, through relays: [RelayDesk.Party]) async -> Address? {
    guard let helpers = helpers.withLock({ $0 }) else { return nil }
    return await helpers.relaying(key, relays)
  }

  /// Proposes to a node that only a relay leads to that both try each other's ports.
  func probe(_ key: PublicKey, over way: Address) async {
    guard let helpers = helpers.withLock({ $0 }) else { return }
    await helpers.probing(key, way)
  }

  /// Takes the relays whose word of where a node is counts when ports are tried: hundreds of datagrams
  /// go there.
  func probeOnly(over relays: Set<PublicKey>) {
    probed.withLock { $0 = relays }
  }

  /// Whether ports may be tried at the address that this relay told.
  func mayProbe(over relay: PublicKey) -> Bool { probed.withLock { $0.contains(relay) } }

  /// Begins to try ports with such a node, if that may be; `knock` is what is sent to each, `answer`
  /// what tells the node of it.
  func probe(
    as role: BirthdayProbe.Role, _ key: PublicKey, over way: Address, with knock: [UInt8],
    _ answer: [UInt8]?
  ) {
    perform { $0.beginProbe(as: role, key, over: way, with: knock, answer) }
  }

  /// A node's knock came from an address or by a way.
  func knocked(_ key: PublicKey, at address: Address) {
    perform { $0.knocked(key, at: address) }
  }

  /// Takes in what somebody asked of this node as a relay; an ask's address must be proven.
  func serve(_ message: RelayMessage, from party: RelayDesk.Party) {
    perform { $0.serve(message, from: party) }
  }

  /// Makes a way for what a relay passes on for a slot; nil if there are too many.
  ///
  /// `peer` is where the relay sees the other end.
  func addDetour(by relay: RelayDesk.Party, slot: UInt64, to peer: Address) async -> Address? {
    guard let bound = multiplexer.withLock({ $0 }) else { return nil }
    let made = bound.eventLoop.submit { bound.value.addDetour(by: relay, slot: slot, to: peer) }
    return try? await made.get()
  }

  /// Ends the way of a slot.
  func endDetour(by relay: RelayDesk.Party, slot: UInt64) {
    perform { $0.endDetour(by: relay, slot: slot) }
  }

  /// Sends a sealed datagram by a way that is no address.
  func send(_ packet: [UInt8], by way: Address) {
    perform { $0.send(packet, by: way) }
  }

  /// Lets this node relay from now on, or not, as far as its settings say so.
  ///
  /// `uploadLimit` is that of all uploads in bytes a second, nil for none; relaying takes half of it at
  /// most, and what it takes is not left for uploads.
  public func relay(_ isOn: Bool, uploadLimit: UInt64?) {
    let rules = RelayRules(isOn: isOn, uploadLimit: uploadLimit)
    self.rules.withLock { $0 = rules }
    perform { $0.keepTo(rules) }
  }

  /// What holds for relaying now.
  var relayRules: RelayRules { rules.withLock { $0 } }

  /// Takes the limit of all uploads, for which what is passed on counts too.
  func share(_ upload: RateLimiter) {
    self.upload.withLock { $0 = upload }
  }

  /// Has bytes that were passed on count as uploaded.
  func charge(_ count: Int) {
    _ = upload.withLock { $0 }?.take(count)
  }

  /// What this node relays now.
  public var relayed: RelayStatus {
    get async {
      guard let bound = multiplexer.withLock({ $0 }) else { return RelayStatus() }
      let status = bound.eventLoop.submit { bound.value.relayed }
      return (try? await status.get()) ?? RelayStatus()
    }
  }

  /// What became of the streams since the start.
  var tally: StreamTally {
    get async {
      let tally = await look { multiplexer in
        var tally = multiplexer.tally
        tally.unsent = multiplexer.sender?.refused ?? 0
        return tally
      }
      return tally ?? StreamTally()
    }
  }

  /// What the multiplexer says; nil without a socket.
  func look<Answer: Sendable>(
    _ body: @escaping @Sendable (StreamMultiplexer) -> Answer
  ) async -> Answer? {
    guard let bound = multiplexer.withLock({ $0 }) else { return nil }
    return try? await bound.eventLoop.submit { body(bound.value) }.get()
  }

  private func perform(_ body: @escaping @Sendable (StreamMultiplexer) -> Void) {
    guard let bound = multiplexer.withLock({ $0 }) else { return }
    bound.eventLoop.execute { body(bound.value) }
  }

  /// Takes in a message of an opening exchange. The sealing proved who sent it; an OPEN must have shown
  /// a valid cookie.
  func receive(_ opening: StreamOpening, from key: PublicKey, at address: Address) {
    guard let bound = multiplexer.withLock({ $0 }) else { return }
    bound.eventLoop.execute {
      bound.value.receive(opening, from: key, at: address)
    }
  }

  /// Opens a stream to a node, which has so long to answer; it reads nothing before `activate`.
  func connect(
    to key: PublicKey, at address: Address, within patience: Duration = StreamOpener.patience
  ) async throws -> DatagramStreamChannel {
    guard let bound = multiplexer.withLock({ $0 }) else { throw OpenError.unavailable }
    let ticket = Ticket()
    return try await withTaskCancellationHandler {
      try await bound.eventLoop.flatSubmit {
        bound.value.open(key, at: address, within: patience, ticket)
      }.get()
    } onCancel: {
      bound.eventLoop.execute { bound.value.giveUp(ticket) }
    }
  }

  /// Opens a stream to a node at whichever of the addresses answers first; all begin at once.
  ///
  /// A node that refuses at one refuses at all.
  func connect(
    to key: PublicKey, atAnyOf addresses: [Address], within patience: Duration
  ) async throws -> DatagramStreamChannel {
    let first = await withTaskGroup(of: Result<DatagramStreamChannel, any Error>.self) { group in
      for address in addresses {
        group.addTask {
          do {
            return .success(try await self.connect(to: key, at: address, within: patience))
          } catch {
            return .failure(error)
          }
        }
      }
      var first: Result<DatagramStreamChannel, any Error>?
      for await result in group {
        switch (first, result) {
        case (.success?, .success(let late)): late.close(promise: nil)
        case (.success?, .failure): break
        case (_, .success):
          first = result
          group.cancelAll()
        case (_, .failure(let error)):
          if first == nil { first = result }
          guard case OpenError.refused = error else { continue }
          first = result
          group.cancelAll()
        }
      }
      return first ?? .failure(OpenError.unavailable)
    }
    return try first.get()
  }

  /// Names an opening to who may give it up.
  final class Ticket: Sendable {}

  /// Has a message sealed and sent.
  func send(_ opening: StreamOpening, to key: PublicKey, at address: Address) {
    message.yield(Message(bytes: opening.encoded, key: key, address: address))
  }

  /// Has a relay's message sealed and sent.
  func send(_ sending: RelayDesk.Sending) {
    let (key, address) = (sending.party.key, sending.party.address)
    message.yield(Message(bytes: sending.message.encoded, key: key, address: address))
  }

  /// Offers a stream that a peer opened; returns whether there was room for it.
  func offer(_ channel: DatagramStreamChannel) -> Bool {
    if case .enqueued = arrival.yield(channel) { true } else { false }
  }
}
