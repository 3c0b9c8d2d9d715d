import Cryptography
import DHT
import Logging
import PeerNetwork
import Storage
import Transfer
import Trust
import Wire

/// A node's two listening services, with what they remembered from the last run.
struct NodeNetwork: Sendable {
  let dht: DHTService
  let transfer: TransferService
  let streams: DatagramStreams
  let port: UInt16
  let peers: Peers
  /// What tells the local network of this node; nil where the owner turned it off.
  let beacon: BeaconService?
  /// What asks the router for a port; nil where the owner turned it off or needs none.
  let portMapping: PortMappingService?
  /// What is wrong with the file of bootstrap peers, for the user.
  let bootstrapProblem: String?

  /// Binds both ports; throws with the reason if one is in use.
  init(state: NodeState, settings: Configuration, logger: Logger) async throws {
    let ip = settings.listen.ip
    let neighbours = Neighbours()
    var transfers = TransferSettings()
    transfers.isLocal = { neighbours.isLocal($0) }
    transfers.bind = Address(ip: ip, port: settings.listen.port)
    transfers.network = settings.network
    transfers.connections = settings.transfer.connections
    let (day, minute) = WallClock.local
    let rules = settings.transfer.rules(on: day, minute: minute)
    transfers.downloadLimit = rules.limitDown?.bytes
    transfers.uploadLimit = rules.limitUp?.bytes
    transfers.servesBeyondLAN = !rules.isMetered
    transfers.downloadLimitPerPeer = settings.transfer.limitDownPerPeer?.bytes
    transfers.uploadLimitPerPeer = settings.transfer.limitUpPerPeer?.bytes
    // A node that is there to serve has no reason to let anybody wait.
    if settings.role == .seeder { transfers.slots.regular = nil }
    streams = Self.streams(of: state, settings)
    streams.relay(!rules.isMetered, uploadLimit: rules.limitUp?.bytes)
    transfer = try TransferService(
      identity: NodeIdentity(state.nodeKey), store: state.store, settings: transfers,
      streams: streams, logger: logger)
    if let bans = try await state.catalog.state(Self.bansKey) {
      transfer.restoreBans(bans, at: WallClock.now)
    }
    try await transfer.start()
    do {
      (dht, port) = try await Self.startDHT(
        beside: transfer, carrying: streams, at: ip, state: state, settings: settings,
        logger: logger)
    } catch {
      await transfer.stop()
      throw error
    }
    peers = Peers(dht: dht, transfer: transfer, neighbours: neighbours, logger: logger)
    beacon = Self.beacon(
      at: Address(ip: ip, port: port), neighbours, state: state, settings: settings,
      logger: logger)
    // Who names addresses has seen to it that they lead here.
    let needsMapping =
      settings.listen.portMapping && settings.listen.advertise.isEmpty && !ip.isLoopback
    portMapping = needsMapping ? PortMappingService(port: port, logger: logger) : nil

    let file = settings.listen.bootstrap ?? state.paths.bootstrap
    do {
      if let bytes = try AtomicFile.read(file) {
        let list = try BootstrapList(parsing: String(decoding: bytes, as: UTF8.self))
        await dht.bootstrap(list.peers)
      } else {
        logger.warning("no bootstrap peers", metadata: ["file": "\(file)"])
      }
      bootstrapProblem = nil
    } catch {
      // Saved contacts and whoever finds us may still do.
      bootstrapProblem = "bootstrap peers not used: \(file): \(error)"
      logger.error(
        "bootstrap peers not used", metadata: ["file": "\(file)", "reason": "\(error)"])
    }
  }

  /// The UDP streams for peers that TCP can't reach. A seeder is there to serve; a desktop's other
  /// traffic goes first.
  private static func streams(of state: NodeState, _ settings: Configuration) -> DatagramStreams {
    var bounds = DatagramStreams.Settings()
    bounds.streams = settings.transfer.connections
    bounds.stream.congestion = settings.role == .seeder ? .foreground : .background
    bounds.relay.isEnabled = settings.relay.enabled ?? (settings.role == .seeder)
    bounds.relay.quota = settings.relay.quota.bytes
    bounds.relay.quotaPerNode = settings.relay.quotaPerPeer.bytes
    // Whoever makes more keys gets no more; a household may have a few nodes.
    bounds.relay.quotaPerAddress = max(bounds.relay.quotaPerNode, bounds.relay.quota / 4)
    bounds.relay.slots = settings.relay.slots
    return DatagramStreams(key: state.nodeKey.publicKey, settings: bounds)
  }

  /// The DHT on the port that the transfer got, with the port.
  private static func startDHT(
    beside transfer: TransferService, carrying streams: DatagramStreams, at ip: IPAddress,
    state: NodeState, settings: Configuration, logger: Logger
  ) async throws -> (DHTService, UInt16) {
    guard let bound = await transfer.boundAddress else {
      preconditionFailure("a started transfer service has no address")
    }
    var datagrams = DHTSettings()
    datagrams.bind = Address(ip: ip, port: bound.port)
    datagrams.network = settings.network
    datagrams.advertised = settings.listen.advertise
    datagrams.transferPort = bound.port
    datagrams.role = settings.role
    datagrams.journal = settings.journal
    datagrams.kademlia.lookup = settings.lookup
    let contacts = try await state.catalog.state(contactsKey) ?? []
    let validator = ProviderAwareValidator(statements: StatementValidator())
    let dht = DHTService(
      identity: state.nodeKey, settings: datagrams, validator: validator,
      contacts: (try? DHTState.contacts(from: contacts)) ?? [],
      publisher: try await publisher(of: state, settings, validator), streams: streams,
      logger: logger)
    try await dht.start()
    await dht.trust(state.trust.list.keys(at: WallClock.now))
    return (dht, bound.port)
  }

  private static func beacon(
    at address: Address, _ neighbours: Neighbours, state: NodeState, settings: Configuration,
    logger: Logger
  ) -> BeaconService? {
    guard settings.listen.beacon else { return nil }
    var signals = BeaconService.Settings(
      listening: address.ip, udpPort: address.port, tcpPort: address.port)
    signals.network = settings.network
    return BeaconService(
      identity: state.nodeKey, settings: signals, neighbours: neighbours, logger: logger)
  }

  /// What was published when the node ended, and what it signed or fetched after that was last
  /// written down: a kill -9 withholds nothing from the others.
  private static func publisher(
    of state: NodeState, _ settings: Configuration, _ validator: ProviderAwareValidator
  ) async throws -> Publisher {
    let now = WallClock.now
    let saved = try await state.catalog.state(publisherKey) ?? []
    var publisher = (try? DHTState.publisher(from: saved)) ?? Publisher()
    if let issuer = state.issuerKey {
      let signed = try await state.catalog.statements(
        by: issuer.publicKey.bytes, now: now, limit: Publisher.limit)
      for statement in signed {
        guard
          let record = try? validator.validate(statement.encoded, kind: .statement, now: now)
        else { continue }
        publisher.add(record, now: now)
      }
    }
    let own = try await Set(state.catalog.ownBuildNames().map(\.root))
    let sharesAll = settings.transfer.share || settings.role == .seeder
    for root in try await state.catalog.blobRoots() where sharesAll || own.contains(root) {
      publisher.announce(root, now: now)
    }
    return publisher
  }

  /// Lets both ports go when the node can't start after all.
  func stop() async {
    await transfer.stop()
    await dht.stop()
  }

  /// Writes down whom we know and what we publish, for the next start.
  func save(to catalog: Catalog) async {
    do {
      let contacts = await dht.contactsToSave
      // An empty table after a lost link must not wipe what was known.
      if !contacts.isEmpty { try await keep(contacts, as: Self.contactsKey, in: catalog) }
      try await keep(await dht.publisherToSave, as: Self.publisherKey, in: catalog)
      try await keep(transfer.bansToSave(at: WallClock.now), as: Self.bansKey, in: catalog)
    } catch {
      peers.logger.error("contacts not saved", metadata: ["reason": "\(error)"])
    }
  }

  /// Writes only what changed, so that a node at rest lets the disk sleep.
  private func keep(_ bytes: [UInt8], as key: String, in catalog: Catalog) async throws {
    if try await catalog.state(key) != bytes { try await catalog.setState(key, to: bytes) }
  }

  /// Saves now and then, so that a kill -9 costs little.
  func keepSaved(to catalog: Catalog) async throws {
    while true {
      try await Task.sleep(for: .seconds(60))
      await save(to: catalog)
    }
  }

  private static let bansKey = "transfer-bans"
  private static let contactsKey = "dht-contacts"
  private static let publisherKey = "dht-publisher"
}
