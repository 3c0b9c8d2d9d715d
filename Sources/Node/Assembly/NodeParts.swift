import Binhost
import Cryptography
import DHT
import Emerge
import Logging
import PeerNetwork
import ServiceLifecycle
import Storage
import Trust
import Wire

/// Everything that runs in a daemon, wired together.
struct NodeParts: Sendable {
  /// The parts, in the order in which they start.
  let all: [Part]

  init(
    kind: Daemon.Kind, state: NodeState, network: NodeNetwork, settings: Configuration,
    metrics: PrometheusRegistry, logger: Logger
  ) async throws {
    var parts: [Part] = []
    let troubles = Troubles()
    func add(
      _ name: String, farewell: @escaping @Sendable () async -> Void = {},
      _ body: @escaping @Sendable () async throws -> Void
    ) {
      parts.append(Part(name: name, logger: logger, farewell: farewell, body: body))
    }
    // Without these the node still serves, and a full disk or a broken Portage may pass.
    func addStubborn(_ name: String, _ body: @escaping @Sendable () async throws -> Void) {
      parts.append(
        Part(name: name, logger: logger) {
          try await troubles.persist(name, logger: logger, body)
        })
    }
    let helper = PortageHelper(settings.portage.helperSettings)
    let listing = Listing(
      directory: state.binhost, catalog: state.catalog, store: state.store, trust: state.trust)
    try await listing.refresh()
    let cloud = try CloudDesk(settings: settings.cloud, catalog: state.catalog, logger: logger)
    let resolver = Resolver(
      helper: helper, trust: state.trust, catalog: state.catalog, store: state.store,
      peers: network.peers, listing: listing, cloud: cloud, settings: settings, logger: logger)

    var quota = Collector.Settings()
    quota.quota = settings.storage.quota
    let collector = Collector(store: state.store, catalog: state.catalog, settings: quota)

    var publisher: BuildPublisher?
    if settings.publish.enabled {
      guard let key = state.issuerKey else { throw PublishError.noKey }
      let made = BuildPublisher(
        settings: settings.publish, key: key, helper: helper, catalog: state.catalog,
        store: state.store, peers: network.peers, logger: logger)
      try await made.restore()
      publisher = made
      addStubborn("publishing") { try await made.watch() }
    }
    let upkeep = state.issuerKey.map { key in
      StatementUpkeep(
        validity: settings.publish.validity, key: key, catalog: state.catalog, store: state.store,
        peers: network.peers, logger: logger)
    }
    // A gateway signs its workers' results whether or not it publishes builds of its own.
    if let upkeep, settings.publish.enabled || kind == .gateway {
      addStubborn("renewing") { try await upkeep.renew() }
    }
    let gateway = try await GatewayService(
      kind: kind, state: state, network: network, helper: helper, settings: settings,
      logger: logger)
    let ruler = TransferRuler(
      settings: settings.transfer, transfer: network.transfer, streams: network.streams,
      logger: logger)
    let world = WorldRefresh(resolver: resolver, cloud: cloud, settings: settings)
    let refresher = Refresher(logger: logger) {
      try await ruler.waitWhileMetered()
      return try await world.look()
    }
    let board = StatusBoard(
      state: state, network: network, settings: settings, publisher: publisher,
      refresher: refresher, troubles: troubles
    ) { (await gateway?.jobs() ?? []) + (await cloud?.jobs() ?? []) }
    let desk = Desk(
      state: state, network: network, board: board, resolver: resolver, listing: listing,
      publisher: publisher, upkeep: upkeep, collector: collector, cloud: cloud,
      refresher: refresher, ruler: ruler, settings: settings)

    add("DHT", farewell: { await network.dht.leave() }) { try await network.dht.run() }
    add("transfer") { try await network.transfer.run() }
    add("transfer's hours") { try await ruler.run() }
    if let beacon = network.beacon {
      add("LAN beacon") {
        await beacon.run { contact, isNew in await network.dht.meet(contact, isNew: isNew) }
      }
    }
    if let mapping = network.portMapping {
      add("port mapping") {
        await mapping.run { mapped in await network.dht.takeMapped(mapped) }
      }
    }
    add("saving contacts") { try await network.keepSaved(to: state.catalog) }
    addStubborn("quota") {
      while true {
        try await Task.sleep(for: .seconds(900))
        let report = try await desk.evict()
        if !report.removed.isEmpty {
          logger.info("quota kept", metadata: ["freed": "\(ByteCount(report.freed))"])
        }
      }
    }
    add("refreshing") { try await refresher.run() }
    if settings.role == .seeder {
      let seeder = Seeder(
        trust: state.trust, catalog: state.catalog, store: state.store, peers: network.peers,
        ruler: ruler, logger: logger)
      let kept = await network.dht.statementsKept(capacity: 10_000)
      add("seeding") { try await seeder.run(kept: kept) }
      add("fetching seeds") { try await seeder.fetchWanted() }
    }
    if let cloud {
      addStubborn("background builds") { try await cloud.watch(resolver: resolver, ruler: ruler) }
    }
    if let gateway {
      add("gateway") { try await gateway.run() }
    }
    if settings.http.enabled {
      var http = BinhostServer.Settings()
      http.host = settings.http.address
      http.port = Int(settings.http.port)
      http.names = HostNames(Machine.names + settings.http.names)
      http.node = String(state.nodeKey.publicKey.bytes.hex.prefix(16))
      let server = BinhostServer(
        directory: state.binhost, metrics: metrics, settings: http, logger: logger.quiet,
        status: { await board.snapshot() }, health: { await board.health() })
      add("HTTP") { try await server.run() }
    }
    let control = ControlServer(
      path: state.paths.controlSocket, group: settings.group, logger: logger
    ) { request, emit in try await desk.answer(request, emit) }
    add("commands") { try await control.run() }
    all = parts
  }
}
