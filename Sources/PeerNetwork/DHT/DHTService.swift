import CoreMetrics
public import Cryptography
public import DHT
import FoundationEssentials
public import Logging
import Metrics
import NIOCore
import NIOPosix
import Transfer
public import Wire

/// The DHT on a UDP socket: opens and decodes, steps the machine, then acts.
///
/// `start` binds, `run` serves until it is cancelled. Requests may be made as soon as it is made;
/// before `run` they end with nothing found.
public actor DHTService {
  /// Why the service could not start.
  public enum StartError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another program has the port.
    case portInUse(Address)
    /// The address can't be bound, with the system's words.
    case cannotBind(Address, String)
    /// `run` was called before `start`, or a second time.
    case notStarted
    /// The socket was closed by the system.
    case socketLost

    /// A sentence for people.
    public var description: String {
      switch self {
      case .portInUse(let address):
        "UDP port \(address.port) on \(address.ip) is in use: stop the program that has it or "
          + "set another port"
      case .cannotBind(let address, let reason): "cannot listen on UDP \(address): \(reason)"
      case .notStarted: "the DHT is not started"
      case .socketLost: "the system closed the UDP socket"
      }
    }
  }

  typealias Envelope = AddressedEnvelope<ByteBuffer>

  /// This node's key.
  public nonisolated let key: PublicKey
  let identity: SigningKey
  let settings: DHTSettings
  let validator: any RecordValidator
  let log: Logger
  let metrics = DHTMetrics()
  let wallClock: @Sendable () -> Timestamp
  let streams: DatagramStreams?
  private let origin = ContinuousClock.now

  var machine: Kademlia
  var publisher: Publisher
  var sessions: DatagramSessions
  var random = SystemRandomNumberGenerator()
  var journal: JournalWriter?
  var channel: NIOAsyncChannel<Envelope, Envelope>?
  private var isRunning = false
  var isIPv6 = false
  var wake: AsyncStream<Void>.Continuation?
  var sleepsUntil = Instant.zero
  var keptStatements: AsyncStream<Record>.Continuation?
  var waiters: [RequestID: AsyncStream<Outcome>.Continuation] = [:]
  var tally = DHTTally()

  /// Where the socket is bound, with the port it got; nil before `start`.
  public private(set) var boundAddress: Address?
  var bootstrapPeers: [BootstrapPeer] = []
  var savedContacts: [Contact]
  /// The bootstrap peers as the machine knows them.
  var seeders: [Contact] = []
  var announcedAddresses: [Address] = []
  /// Where a router passes streams on to us.
  var mappedAddress: Address?
  var publishWake: AsyncStream<Void>.Continuation?
  var joinWake: AsyncStream<Void>.Continuation?
  var farewell: AsyncStream<Void>.Continuation?
  /// Where this node is registered so that relays pass on datagrams for it.
  var places: RelayPlaces
  var relayCalls: [UInt64: RelayCall] = [:]
  var relayWake: AsyncStream<Void>.Continuation?
  var announcedRelays = AnnouncedRelays()
  /// Ways that relays offer; what finds no room is offered again.
  let offered: AsyncStream<RelayOffer>
  let offers: AsyncStream<RelayOffer>.Continuation
  /// The ways by which somebody lately proposed to try ports.
  var probesSeen: [Address: Instant] = [:]

  /// A node of the DHT with this identity.
  ///
  /// `validator` checks build statements; `contacts` and `publisher` are what an earlier run wrote
  /// down; `streams` come over its socket; `wallClock` gives the time by which records are judged.
  public init(
    identity: SigningKey, settings: DHTSettings, validator: any RecordValidator,
    contacts: [Contact] = [], publisher: Publisher = Publisher(), streams: DatagramStreams? = nil,
    logger: Logger,
    wallClock: @escaping @Sendable () -> Timestamp = DHTService.systemTime
  ) {
    key = identity.publicKey
    self.identity = identity
    self.settings = settings
    let checked = ProviderAwareValidator(statements: validator)
    self.validator = checked
    log = logger
    self.wallClock = wallClock
    self.streams = streams
    places = RelayPlaces(renewal: streams?.settings.relayRenewal ?? .seconds(30))
    machine = Kademlia(
      key: identity.publicKey,
      settings: Self.machineSettings(settings.kademlia, isSeeder: settings.role == .seeder),
      validator: checked, now: .zero)
    self.publisher = publisher
    savedContacts = contacts
    (offered, offers) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(16))
    sessions = DatagramSessions(
      identity: identity, network: settings.network, capacity: settings.sessions,
      strangersPerSecond: settings.strangerAgreementsPerSecond)
  }

  /// The system's clock in whole seconds.
  public static let systemTime: @Sendable () -> Timestamp = {
    Timestamp(Int64(Date().timeIntervalSince1970))
  }

  /// Binds the socket; throws what is wrong with the address.
  public func start() async throws(StartError) {
    guard channel == nil else { return }
    if let path = settings.journal { beginJournal(at: path) }
    let wanted = settings.bind
    if case .v6 = wanted.ip { isIPv6 = true }
    do {
      let bound =
        try await datagramBootstrap(for: wanted.ip)
        .bind(host: "\(wanted.ip)", port: Int(wanted.port)) { [streams, isIPv6] channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(DatagramWriter())
            try streams?.attach(to: channel, isIPv6: isIPv6)
            return try NIOAsyncChannel<Envelope, Envelope>(wrappingChannelSynchronously: channel)
          }
        }
      channel = bound
      boundAddress = bound.channel.localAddress.flatMap { Address($0) }
    } catch let error as IOError where error.errnoCode == EADDRINUSE {
      throw .portInUse(wanted)
    } catch {
      throw .cannotBind(wanted, "\(error)")
    }
    streams?.take(
      { [weak self] key in await self?.punch(key)?.address },
      { [weak self] key, relays in await self?.relay(to: key, through: relays) },
      { [weak self] key, way in await self?.probe(key, over: way) })
    log.info("dht bound", metadata: ["address": "\(boundAddress ?? wanted)"])
  }

  /// Serves, joins and publishes until cancelled; then the socket is closed and open requests end.
  ///
  /// Throws if the socket is lost before: a node that hears nobody must not seem to work.
  public func run() async throws {
    guard let channel, !isRunning else { throw StartError.notStarted }
    isRunning = true
    defer {
      isRunning = false
      journal?.flush()
      self.channel = nil
      for waiter in waiters.values { waiter.finish() }
      waiters = [:]
    }
    try await channel.executeThenClose { inbound, _ in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await self.receive(from: inbound) }
        group.addTask { await self.keepTime() }
        group.addTask { await self.stayJoined() }
        group.addTask { await self.keepPublishing() }
        group.addTask { await self.carryOpenings() }
        if streams != nil {
          group.addTask { await self.keepPlaces() }
          group.addTask { await self.takeOffers() }
        }
        try await group.next()
        let isWanted = Task.isCancelled
        group.cancelAll()
        if !isWanted { throw StartError.socketLost }
      }
    }
  }

  /// Lets the socket go if `start` was called and `run` is not going to be; else it does nothing.
  ///
  /// A service that can't go on for another's sake ends this way.
  public func stop() async {
    guard let channel, !isRunning else { return }
    self.channel = nil
    try? await channel.executeThenClose { _, _ in }
  }

  /// Goes by intent: hands its records to others and tells its contacts, which takes two round trips and
  /// at most `DHTSettings.farewell`; `run` is to be cancelled then. Cancellation only ends the wait.
  public func leave() async {
    guard isRunning, !machine.isIsolated else { return }
    let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    farewell = continuation
    act(beginLeaving())
    await Self.pause(settings.farewell, or: stream, continuation)
    farewell = nil
    log.info("dht left", metadata: ["complete": "\(machine.hasLeft)"])
  }

  /// Contacts as bytes to write down for the next start; empty if there are none worth it.
  public var contactsToSave: [UInt8] {
    let contacts = machine.contactsToSave(limit: settings.savedContacts)
    return contacts.isEmpty ? [] : DHTState.encode(contacts: contacts)
  }

  /// What is published, as bytes to write down for the next start.
  public var publisherToSave: [UInt8] { DHTState.encode(publisher: publisher) }

  /// The statements of trusted issuers that others give us to keep, from now on; the oldest of more
  /// than `capacity` unread ones are dropped. A second call ends the first one's stream.
  public func statementsKept(capacity: Int) -> AsyncStream<Record> {
    keptStatements?.finish()
    let (stream, continuation) = AsyncStream.makeStream(
      of: Record.self, bufferingPolicy: .bufferingNewest(capacity))
    keptStatements = continuation
    return stream
  }

  var now: Instant { .zero + (ContinuousClock.now - origin) }

  /// Begins a request and waits for its outcome; nil if there are too many, if the service stops or
  /// if the caller is cancelled, after which nothing of the request is left.
  func perform(_ request: Request) async -> Outcome? {
    guard channel != nil, waiters.count < settings.requestLimit else { return nil }
    let began = ContinuousClock.now
    let (stream, waiter) = AsyncStream<Outcome>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let (id, actions) = begin(request)
    waiters[id] = waiter
    act(actions)
    var outcome: Outcome?
    for await ended in stream { outcome = ended }
    if waiters.removeValue(forKey: id) != nil { cancel(id) }
    note(request, took: ContinuousClock.now - began)
    return outcome
  }
}
