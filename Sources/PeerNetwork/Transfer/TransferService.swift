import CoreMetrics
public import Cryptography
import Glibc
public import Logging
import NIOCore
public import Transfer
public import Wire

/// Serves blobs to peers and fetches them from many at once, over TLS 1.3 with pinned node keys.
///
/// `start` binds, `run` serves and opens connections until it is cancelled.
public actor TransferService {
  /// A node that has a blob, with where it can be reached.
  public struct Provider: Sendable, Hashable {
    /// The node's key; a node that shows another is not this one.
    public var key: PublicKey
    /// The addresses in the order they are tried.
    public var addresses: [Address]
    /// Relays that have a way to it.
    public var relays: [RelayDesk.Party]

    /// The node with this key at these addresses, with these relays.
    public init(key: PublicKey, addresses: [Address], relays: [RelayDesk.Party] = []) {
      self.key = key
      self.addresses = addresses
      self.relays = relays
    }
  }

  /// Why the service could not start.
  public enum StartError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another program has the port.
    case portInUse(Address)
    /// The address can't be bound, with the system's words.
    case cannotBind(Address, String)
    /// `run` was called before `start`, or a second time.
    case notStarted

    /// A sentence for people.
    public var description: String {
      switch self {
      case .portInUse(let address):
        "TCP port \(address.port) on \(address.ip) is in use: stop the program that has it or "
          + "set another port"
      case .cannotBind(let address, let reason): "cannot listen on TCP \(address): \(reason)"
      case .notStarted: "the transfer service is not started"
      }
    }
  }

  private enum State {
    case new
    case bound(TransferSockets.Listener?)
    case running
    case ended
  }

  /// This node's key.
  public nonisolated let key: PublicKey
  nonisolated let context: TransferContext
  nonisolated let pool: ConnectionPool
  nonisolated let sockets: TransferSockets
  nonisolated let streams: DatagramStreams?
  nonisolated let log: Logger
  private nonisolated let queue: FetchQueue
  private nonisolated let smallQueue: FetchQueue
  private var state = State.new
  private var drivers: [ContentRoot: FetchDriver] = [:]

  /// Where the service listens, with the port it got; nil before `start` and without a listener.
  public private(set) var boundAddress: Address?

  /// The service of this node over a store, with UDP streams for peers that TCP can't reach; throws if
  /// TLS refuses the identity.
  public init(
    identity: NodeIdentity, store: any BlobStore, settings: TransferSettings,
    streams: DatagramStreams? = nil, logger: Logger
  ) throws {
    self.streams = streams
    key = identity.key.publicKey
    log = logger
    let clock = TransferClock()
    let metrics = TransferMetrics()
    context = TransferContext(
      settings: settings, store: store, clock: clock, metrics: metrics,
      upload: RateLimiter(rate: settings.uploadLimit, clock: clock),
      download: RateLimiter(rate: settings.downloadLimit, clock: clock),
      reach: TransferContext.Reach(beyondLAN: settings.servesBeyondLAN))
    streams?.share(context.upload)
    pool = ConnectionPool(context: context)
    sockets = try TransferSockets(identity: identity, settings: settings, metrics: metrics)
    queue = FetchQueue(width: settings.fetches, length: settings.waitingFetches)
    smallQueue = FetchQueue(width: settings.smallFetches, length: settings.waitingFetches)
  }

  /// Binds the listening socket; throws what is wrong with the address.
  public func start() async throws(StartError) {
    guard case .new = state else { return }
    guard let wanted = context.settings.bind else {
      state = .bound(nil)
      return
    }
    do {
      let listener = try await sockets.listen(on: wanted)
      state = .bound(listener)
      boundAddress = listener.channel.localAddress.flatMap { Address($0) }
    } catch let error as IOError where error.errnoCode == EADDRINUSE {
      throw .portInUse(wanted)
    } catch {
      throw .cannotBind(wanted, "\(error)")
    }
    log.info("transfer bound", metadata: ["address": "\(boundAddress ?? wanted)"])
  }

  /// Serves and connects until cancelled; then every connection is closed and fetches fail.
  public func run() async throws {
    guard case .bound(let listener) = state else { throw StartError.notStarted }
    state = .running
    defer { state = .ended }
    try await withThrowingTaskGroup(of: Void.self) { group in
      if let listener { group.addTask { try await self.accept(from: listener) } }
      group.addTask { await self.openConnections() }
      group.addTask { await self.takeTurns() }
      if streams != nil { group.addTask { await self.acceptStreams() } }
      try await group.next()
      group.cancelAll()
    }
  }

  /// Lets the socket go if `start` was called and `run` is not going to be; else it does nothing.
  public func stop() async {
    guard case .bound(let listener) = state else { return }
    state = .ended
    try? await listener?.executeThenClose { _ in }
  }

  /// Whether `run` serves now.
  public var isRunning: Bool {
    if case .running = state { true } else { false }
  }

  /// Fetches a blob whose name and size an issuer signed, from its providers, into the store.
  ///
  /// A blob that is here already ends at once. One fetch runs for a blob: a second waits for the
  /// first and finds the blob here. `progress` is called at most ten times a second. Throws
  /// `FetchError`, or `CancellationError`; either leaves the checked blocks for a later fetch.
  public func fetch(
    _ root: ContentRoot, size: UInt64, from providers: [Provider],
    progress: (@Sendable (FetchProgress) -> Void)? = nil
  ) async throws -> FetchReport {
    guard let layout = BlockLayout(size: size) else { throw FetchError.badSize(size) }
    if let report = try await present(root, size) { return report }
    guard case .running = state else { throw FetchError.notRunning }
    let queue = layout.isSingleBlock ? smallQueue : queue
    try await queue.enter(root)
    defer { queue.leave(root) }
    if let report = try await present(root, size) { return report }
    let partial: any PartialBlob
    do {
      partial = try await context.store.beginPartial(root, size: size)
    } catch let error as BlobStoreError {
      throw FetchError.store(error)
    }
    let able = providers.filter { $0.key != key && !$0.addresses.isEmpty }
    // A relay's bytes are somebody else's: who is reached by one comes last.
    let relayed = pool.relayed
    let others =
      able.filter { !relayed.contains($0.key) } + able.filter { relayed.contains($0.key) }
    let driver = FetchDriver(
      partial: partial, layout: layout, providers: others, pool: pool, context: context, log: log,
      progress: progress)
    drivers[root] = driver
    defer { drivers[root] = nil }
    do {
      let report = try await driver.run()
      context.metrics.fetched.increment()
      return report
    } catch {
      context.metrics.failed.increment()
      throw error
    }
  }

  private func present(_ root: ContentRoot, _ size: UInt64) async throws -> FetchReport? {
    guard let here = try await context.store.size(of: root) else { return nil }
    guard here == size else { throw FetchError.badSize(size) }
    return FetchReport(
      root: root, size: size, resumed: size, contributions: [:], banned: [:], duration: .zero)
  }

  /// Refuses a node from now on, for what another part of the program found out.
  public nonisolated func ban(_ key: PublicKey, for offence: Offence) {
    pool.ban(key, for: offence)
  }

  /// Ends a ban.
  public nonisolated func liftBan(of key: PublicKey) {
    pool.lift(key)
  }

  /// Whether a node is refused now.
  public nonisolated func isBanned(_ key: PublicKey) -> Bool {
    pool.isBanned(key)
  }

  /// The bans that last, as bytes to write down for the next start.
  public nonisolated func bansToSave(at wall: Timestamp) -> [UInt8] {
    pool.encodedBans(at: wall)
  }

  /// Takes in the bans that an earlier run wrote down.
  public nonisolated func restoreBans(_ bytes: [UInt8], at wall: Timestamp) {
    pool.restoreBans(bytes, at: wall)
  }

  /// Changes the rate limits, in bytes a second; nil is no limit.
  public nonisolated func limit(upload: UInt64?, download: UInt64?) {
    context.upload.limit(to: upload)
    context.download.limit(to: download)
  }

  /// Serves nodes beyond the local network from now on, or doesn't: for links whose bytes cost money.
  ///
  /// Fetches go on as ever.
  public nonisolated func serve(beyondLAN isOn: Bool) {
    context.reach.isBeyondLAN = isOn
  }

  /// The state for the status page.
  public func snapshot() async -> TransferSnapshot {
    var fetches: [TransferSnapshot.Fetch] = []
    for (root, driver) in drivers.sorted(by: { $0.key < $1.key }) {
      fetches.append(TransferSnapshot.Fetch(root: root, progress: await driver.standing))
    }
    let traffic = pool.traffic
    return TransferSnapshot(
      bound: boundAddress, connections: pool.connections.map { TransferSnapshot.Connection($0) },
      sent: traffic.sent, received: traffic.received, fetches: fetches,
      waitingFetches: queue.waitingCount + smallQueue.waitingCount,
      bans: pool.bans.map { TransferSnapshot.Ban(key: $0.key, offence: $0.entry.offence) })
  }
}
