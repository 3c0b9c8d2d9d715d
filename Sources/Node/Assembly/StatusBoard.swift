import Binhost
import Cryptography
import DHT
import PeerNetwork
import Storage
import Trust
import Wire

/// Gathers what the status page and `larder status` show.
struct StatusBoard: Sendable {
  let state: NodeState
  let network: NodeNetwork
  let settings: Configuration
  let started = WallClock.now
  let publisher: BuildPublisher?
  let refresher: Refresher?
  let troubles: Troubles
  let jobs: @Sendable () async -> [StatusSnapshot.Job]

  /// The state of the node now.
  func snapshot() async -> StatusSnapshot {
    var status = StatusSnapshot()
    status.node.key = "\(state.nodeKey.publicKey)"
    status.node.version = Program.version
    status.node.role = settings.role.rawValue
    status.node.addresses = await network.dht.advertisedAddresses.map { "\($0)" }
    status.node.uptime = (WallClock.now - started).components.seconds

    let dht = await network.dht.snapshot
    status.peerCount = dht.status.contacts
    status.records.statements = dht.status.records - dht.status.providerRecords
    status.records.providers = dht.status.providerRecords
    status.records.announced = dht.announced
    status.network.isJoined = dht.isJoined
    status.network.ownFromTheFuture = dht.status.counters.ownFromTheFuture
    status.network.othersFromTheFuture = dht.status.counters.recordsFromTheFuture
    status.table = Self.table(dht)
    status.reach = await reach()
    let relayed = await network.streams.relayed
    status.relay.isEnabled = relayed.isEnabled
    status.relay.pairs = relayed.slots
    status.relay.guests = relayed.guests
    status.relay.bytes = relayed.bytes
    status.relay.overQuota = relayed.overQuota
    await fillTransfers(&status)
    status.blobs.quota = settings.storage.quota.bytes
    status.blobs.indexed = state.binhost.current?.timestamp ?? 0
    status.jobs = await jobs()
    do {
      let totals = try await state.catalog.blobTotals()
      status.blobs.count = totals.count
      status.blobs.bytes = totals.bytes
      status.blobs.listed = try await state.catalog.listingCount()
      status.records.published = await network.dht.statementsStored(
        about: try await state.catalog.ownBuildNames().map(\.fingerprint))
      let counters = try await state.catalog.counters()
      status.lookups.hits = counters["hits"] ?? 0
      status.lookups.misses = counters["misses"] ?? 0
      for fault in try await state.catalog.issuerFaults() {
        status.warnings.append(
          "issuer \(fault.issuer): \(fault.count) bad builds, last: \(fault.reason)")
      }
    } catch {
      status.warnings.append("the catalog can't be read: \(error)")
    }
    if let problem = await state.trust.problem { status.warnings.append(problem) }
    if let problem = network.bootstrapProblem { status.warnings.append(problem) }
    if let problem = await refresher?.problem { status.warnings.append(problem) }
    status.warnings += troubles.warnings
    status.warnings += Self.notes(isJoined: dht.isJoined, counters: dht.status.counters)
    status.refusals = await publisher?.refused ?? []
    return status
  }

  /// How others reach the node.
  private func reach() async -> StatusSnapshot.Reach {
    let observed = await network.dht.observedAddresses
    let mapping = await network.portMapping?.mapping
    var reach = StatusSnapshot.Reach()
    reach.kind =
      ReachKind(
        own: LocalNetwork.ownAddresses(), observed: observed, mapping: mapping,
        isReached: await network.dht.isReached
      ).rawValue
    reach.observed = observed.reduce(into: []) { seen, address in
      if !seen.contains("\(address)") { seen.append("\(address)") }
    }
    reach.mapped = mapping.map { "\($0.address) by \($0.means.rawValue)" }
    reach.mappingProblem = await network.portMapping?.problem.map { "\($0)" }
    reach.relays = await network.dht.relays.map {
      "\($0.key.bytes.hex.prefix(16)) at \($0.address)"
    }
    reach.neighbours = network.peers.neighbours.count
    return reach
  }

  /// What keeps the node from its work, a line each; nil if nothing does.
  func health() async -> String? {
    var problems = troubles.warnings
    if let problem = await state.trust.problem { problems.append(problem) }
    do {
      _ = try await state.catalog.counters()
    } catch {
      problems.append("the catalog can't be read: \(error)")
    }
    if let problem = Self.diskProblem(free: DiskSpace.free(at: state.paths.state)) {
      problems.append(problem)
    }
    return problems.isEmpty ? nil : problems.joined(separator: "\n")
  }

  /// What is wrong where so many bytes are free; nil if they are enough or not known.
  static func diskProblem(free: UInt64?) -> String? {
    guard let free, free < leastFree.bytes else { return nil }
    return "the disk is full: \(ByteCount(free)) are free"
  }

  /// With less the catalog and the index may not be written any more.
  private static let leastFree = ByteCount(64 << 20)

  /// What is said where no contact answers.
  static let lonely = ["no peer answers: is the bootstrap file right?"]

  /// What the DHT's numbers say to the owner.
  static func notes(isJoined: Bool, counters: KademliaCounters) -> [String] {
    var notes = isJoined ? [] : lonely
    if counters.ownFromTheFuture > 0 {
      notes.append(
        "other nodes refuse this node's records as dated in the future: is its clock ahead?")
    }
    return notes
  }

  private static func table(_ dht: DHTSnapshot) -> StatusSnapshot.Table {
    var table = StatusSnapshot.Table()
    table.answering = dht.contacts.answering
    table.doubtful = dht.contacts.doubtful
    table.silent = dht.contacts.silent
    table.estimatedNodes = dht.status.estimatedNodes
    table.lookupBounds = LatencyHistogram.bounds.map(\.inSeconds)
    table.lookups = dht.lookups.counts
    let counters = dht.status.counters
    table.storesAccepted = counters.storesAccepted
    for reason in StoreResult.allCases where reason != .stored {
      let count = counters.count(of: reason)
      if count > 0 { table.storesRefused["\(reason)"] = count }
    }
    table.cookiesRefused = dht.cookiesRefused
    table.datagramsReceived = dht.datagramsReceived
    table.datagramsSent = dht.datagramsSent
    table.publishDelay = dht.publishDelay.components.seconds
    return table
  }

  private func fillTransfers(_ status: inout StatusSnapshot) async {
    let transfers = await network.transfer.snapshot()
    status.traffic.received = transfers.received
    status.traffic.sent = transfers.sent
    for connection in transfers.connections {
      let direction =
        connection.isOutgoing ? "we opened the connection" : "it opened the connection"
      status.peers.append(
        StatusSnapshot.Peer(
          key: "\(connection.key)", address: connection.address.map { "\($0)" } ?? "",
          note: "\(direction), \(connection.way.name)"))
    }
    status.transfers = transfers.fetches.map { fetch in
      StatusSnapshot.Transfer(
        name: network.peers.names[fetch.root] ?? "\(fetch.root)", done: fetch.progress.bytes,
        size: fetch.progress.size,
        peers: fetch.progress.peers)
    }
    for ban in transfers.bans {
      status.peers.append(
        StatusSnapshot.Peer(
          key: "\(ban.key)", address: "", note: "banned: \(ban.offence)"))
    }
  }
}
