import CoreMetrics
public import Cryptography
public import DHT
import FoundationEssentials
public import Logging
import Metrics
import NIOCore
import NIOPosix
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
  private var channel: NIOAsyncChannel<Envelope, Envelope>?
  private var isRunning = false
  private var isIPv6 = false
  private var wake: AsyncStream<Void>.Continuation?
  private var sleepsUntil = Instant.zero
  private var keptStatements: AsyncStream<Record>.Continuation?
  private var waiters: [RequestID: AsyncStream<Outcome>.Continuation] = [:]
  var tally = DHTTally()

  /// Where the socket is bound, with the port it got; nil before `start`.
  public private(set) var boundAddress: Address?
  var bootstrapPeers: [BootstrapPeer] = []
  var savedContacts: [Contact]
  var announcedAddresses: [Address] = []
  /// Where a router passes streams on to us.
  var mappedAddress: Address?
  var publishWake: AsyncStream<Void>.Continuation?
  var joinWake: AsyncStream<Void>.Continuation?

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
    machine = Kademlia(
      key: identity.publicKey,
      settings: Self.machineSettings(settings.kademlia, isSeeder: settings.role == .seeder),
      validator: checked, now: .zero)
    self.publisher = publisher
    savedContacts = contacts
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
        try await datagramBootstrap
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

  private func receive(from inbound: NIOAsyncChannelInboundStream<Envelope>) async throws {
    for try await envelope in inbound { receive(envelope) }
  }

  private func receive(_ envelope: Envelope) {
    tally.received += 1
    metrics.received.increment()
    guard let address = Address(envelope.remoteAddress), address.port != 0 else { return }
    let packet = Array(envelope.data.readableBytesView)
    let opened: DatagramSessions.Opened
    do {
      opened = try sessions.open(packet, from: address, now: now)
    } catch {
      return refuse(error)
    }
    guard !takeOpening(opened, from: address) else { return }
    guard let decoded = try? DHTCodec.decode(opened.message) else {
      tally.refused += 1
      return metrics.malformed.increment()
    }
    let message = decoded.message
    let contact = Contact(key: opened.sender, address: address)
    if let cookie = decoded.cookie, !message.isRequest {
      sessions.keep(cookie, from: contact.key, at: address, now: now)
    }
    let length = opened.isProven ? DatagramBox.capacity : opened.message.count
    let sender = Origin(
      contact: contact, isProven: opened.isProven, replyBudget: length - Self.cookieSize)
    act(step(receiving: message, from: sender), replyLimit: length)
    showMetricsIfOld()
  }

  private func refuse(_ refusal: DatagramSessions.Refusal) {
    switch refusal {
    case .malformed:
      tally.refused += 1
      metrics.malformed.increment()
    case .forged:
      tally.refused += 1
      metrics.forged.increment()
    case .overBudget:
      tally.strangersDropped += 1
      metrics.overBudget.increment()
    }
  }

  /// Does what a step wants done; a reply longer than `replyLimit` is not sent.
  private func act(_ actions: [Action], replyLimit: Int = DatagramBox.capacity) {
    for action in actions {
      switch action {
      case .send(let message, let contact): send(message, to: contact, replyLimit: replyLimit)
      case .finished(let id, let outcome):
        guard let waiter = waiters.removeValue(forKey: id) else { continue }
        waiter.yield(outcome)
        waiter.finish()
      case .kept(let record): keptStatements?.yield(record)
      }
    }
    if machine.nextDeadline < sleepsUntil { wake?.yield() }
  }

  private func send(_ message: Message, to contact: Contact, replyLimit: Int) {
    let plain: [UInt8]
    if message.isRequest {
      let hasCookie = sessions.hasCookie(for: contact.key, at: contact.address, now: now)
      plain = DHTCodec.encode(
        message, length: hasCookie ? 0 : MessageSize.paddedLength(message.body))
    } else {
      let cookie = sessions.cookie(for: contact.key, at: contact.address, now: now)
      plain = DHTCodec.encode(message, cookie: cookie)
      guard plain.count <= replyLimit else { return metrics.unsent.increment() }
    }
    sendSealed(plain, to: contact.key, at: contact.address)
  }

  /// Seals a message for a node and sends it.
  func sendSealed(_ plain: [UInt8], to key: PublicKey, at destination: Address) {
    guard let channel = channel?.channel,
      let address = destination.socketAddress(onIPv6: isIPv6), channel.isWritable,
      let packet = sessions.seal(plain, to: key, at: destination)
    else { return metrics.unsent.increment() }
    tally.sent += 1
    tally.sentBytes += UInt64(packet.count)
    metrics.sent.increment()
    metrics.sentBytes.increment(by: packet.count)
    channel.writeAndFlush(
      Envelope(remoteAddress: address, data: ByteBuffer(bytes: packet)), promise: nil)
  }

  /// Tag, length and value of the cookie in a reply.
  private static let cookieSize = 3 + AddressCookie.length

  /// Ticks the machine whenever it is due.
  private func keepTime() async {
    while !Task.isCancelled {
      let time = now
      if machine.nextDeadline <= time {
        act(tick())
        showMetrics()
        continue
      }
      sleepsUntil = machine.nextDeadline
      let span = sleepsUntil - time
      let (stream, continuation) = AsyncStream<Void>.makeStream(
        bufferingPolicy: .bufferingNewest(1))
      wake = continuation
      await Self.pause(span, or: stream, continuation)
      wake = nil
      sleepsUntil = .zero
    }
  }

  /// Sleeps for a span, until the stream says something, or until cancelled.
  static func pause(
    _ span: Duration, or stream: AsyncStream<Void>, _ continuation: AsyncStream<Void>.Continuation
  ) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        try? await Task.sleep(for: span)
        continuation.finish()
      }
      for await _ in stream { break }
      group.cancelAll()
    }
  }
}
