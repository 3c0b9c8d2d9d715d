import Cryptography
import Logging
import Transfer
import Wire

/// Drives one `FetchMachine`: its actions become frames, the peers' frames its inputs.
actor FetchDriver {
  private enum Outcome {
    case complete
    case failed(FetchMachine.Failure)
    case store(any Error)
  }

  private struct Link {
    let connection: PeerConnection
    /// The stream's number once the blob was asked for.
    var stream: UInt32?
  }

  nonisolated let root: ContentRoot
  nonisolated let layout: BlockLayout
  private let partial: any PartialBlob
  private let pool: ConnectionPool
  private let context: TransferContext
  private let log: Logger
  private let providers: [PublicKey: TransferService.Provider]
  private let progress: (@Sendable (FetchProgress) -> Void)?
  private let order: [PublicKey]

  private var machine: FetchMachine
  private var links: [PublicKey: Link] = [:]
  private var banned: [PublicKey: Offence] = [:]
  private var layersToKeep: MerkleLayers?
  private var outcome: Outcome?
  private var writing = 0
  private var idle: CheckedContinuation<Void, Never>?
  private var lastProgress = Instant.zero
  private let ended: AsyncStream<Void>
  private let end: AsyncStream<Void>.Continuation

  init(
    partial: any PartialBlob, layout: BlockLayout, providers: [TransferService.Provider],
    pool: ConnectionPool, context: TransferContext, log: Logger,
    progress: (@Sendable (FetchProgress) -> Void)?
  ) {
    root = partial.root
    self.layout = layout
    self.partial = partial
    self.pool = pool
    self.context = context
    self.log = log
    self.progress = progress
    self.providers = Dictionary(providers.map { ($0.key, $0) }) { first, _ in first }
    order = providers.map(\.key)
    machine = FetchMachine(
      root: partial.root, layout: layout, resumed: partial.resumed,
      settings: context.settings.fetching, now: context.clock.now)
    machine.ceiling = context.slowestDownload
    (ended, end) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// How far the fetch is.
  var standing: FetchProgress {
    FetchProgress(bytes: machine.verifiedBytes, size: layout.size, peers: machine.readyPeers)
  }

  /// Fetches to the end and commits; on failure or cancellation the partial blob stays.
  func run() async throws -> FetchReport {
    let began = context.clock.now
    let resumed = machine.verifiedBytes
    for key in order { perform(machine.add(key, now: began)) }
    perform(machine.begin(now: began))
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.keepTime() }
      group.addTask { [ended] in for await _ in ended {} }
      await group.next()
      group.cancelAll()
    }
    for key in Array(links.keys) { leave(key) }
    if writing > 0 { await withCheckedContinuation { idle = $0 } }
    guard case .complete = outcome else {
      try? await partial.suspend()
      throw failure
    }
    do {
      try await partial.commit()
    } catch {
      try? await partial.suspend()
      throw Self.failure(of: error)
    }
    report(at: context.clock.now, isLast: true)
    return FetchReport(
      root: root, size: layout.size, resumed: resumed, contributions: machine.contributions,
      banned: banned, duration: context.clock.now - began)
  }

  private var failure: any Error {
    switch outcome {
    case .complete, nil: CancellationError()
    case .failed(.noProviders): FetchError.noProviders(banned: banned)
    case .failed(.stalled): FetchError.stalled
    case .store(let error): Self.failure(of: error)
    }
  }

  private static func failure(of error: any Error) -> any Error {
    (error as? BlobStoreError).map { FetchError.store($0) } ?? error
  }

  private func keepTime() async {
    while outcome == nil, !Task.isCancelled {
      let now = context.clock.now
      let deadline = machine.nextDeadline ?? now + .seconds(1)
      // Never less than a few milliseconds: a late tick is only late.
      let wait = max(deadline - now, .milliseconds(5))
      try? await Task.sleep(for: wait)
      guard !Task.isCancelled else { return }
      machine.ceiling = context.slowestDownload
      perform(machine.tick(context.clock.now))
    }
  }

  // MARK: What the connections say

  /// The connection to a provider stands.
  func joined(_ connection: PeerConnection) {
    perform(join(connection))
  }

  /// Steps the machine with an input that needs nothing else.
  func event(_ now: Instant, _ step: @Sendable (inout FetchMachine) -> [FetchMachine.Action]) {
    perform(step(&machine))
  }

  /// A provider's connection could not be opened.
  func unreachable(_ key: PublicKey) {
    perform(machine.lost(key, now: context.clock.now))
  }

  /// A connection that this fetch used is closed.
  func lost(_ connection: PeerConnection) {
    guard let link = links[connection.key], link.connection === connection else { return }
    links[connection.key] = nil
    perform(machine.lost(connection.key, now: context.clock.now))
  }

  /// A peer says what it has; a small blob comes along.
  func have(_ have: TransferFrame.Have, from connection: PeerConnection) async {
    guard isLinked(connection, have.stream) else { return }
    perform(machine.have(have, from: connection.key, now: context.clock.now))
    await keepLayers()
    guard let bytes = have.inline, layout.isSingleBlock else { return }
    guard case .check(let digest) = arrived(0, length: bytes.count, from: connection) else {
      return
    }
    let block = VerifiedBlock(checking: bytes, index: 0, layout: layout, expected: digest)
    guard let block else { return bad(0, from: connection) }
    await write([block], from: connection)
  }

  /// Digests came in.
  func hashes(
    _ digests: [Bytes32], level: MerkleTree.Level, start: Int, from connection: PeerConnection
  ) async {
    let now = context.clock.now
    perform(machine.hashes(digests, level: level, start: start, from: connection.key, now: now))
    await keepLayers()
  }

  /// Blocks came in; says of each whether it is to be hashed.
  func arrived(
    _ blocks: [ReceivedBlock], from connection: PeerConnection
  ) -> [FetchMachine.Arrival] {
    guard links[connection.key]?.connection === connection else { return [] }
    let lengths = blocks.map { (index: $0.index, length: $0.bytes.count) }
    let now = context.clock.now
    let (arrivals, actions) = machine.arrived(lengths, from: connection.key, now: now)
    perform(actions)
    return arrivals
  }

  /// A block came in; says whether it is to be hashed.
  func arrived(
    _ block: Int, length: Int, from connection: PeerConnection
  ) -> FetchMachine.Arrival {
    guard links[connection.key]?.connection === connection else { return .drop }
    let now = context.clock.now
    let (arrival, actions) = machine.arrived(block, length: length, from: connection.key, now: now)
    perform(actions)
    return arrival
  }

  /// A block's digest is wrong.
  func bad(_ block: Int, from connection: PeerConnection) {
    perform(machine.bad(block, from: connection.key, now: context.clock.now))
  }

  /// A block's digest is wrong; others that came with it may not have been hashed.
  func bad(_ block: Int, among arrived: [Int], from connection: PeerConnection) {
    machine.unchecked(arrived.filter { $0 != block })
    bad(block, from: connection)
  }

  /// The digests of blocks are right: writes them.
  func write(_ blocks: [VerifiedBlock], from connection: PeerConnection) async {
    guard outcome == nil else { return }
    writing += 1
    do {
      try await partial.write(blocks)
      let now = context.clock.now
      perform(machine.wrote(blocks.map(\.index), from: connection.key, now: now))
      report(at: now, isLast: false)
    } catch {
      finish(.store(error))
    }
    writing -= 1
    if writing == 0 {
      idle?.resume()
      idle = nil
    }
  }

  private func keepLayers() async {
    guard let layers = layersToKeep, outcome == nil else { return }
    layersToKeep = nil
    writing += 1
    do { try await partial.keep(layers) } catch { finish(.store(error)) }
    writing -= 1
    if writing == 0 {
      idle?.resume()
      idle = nil
    }
  }

  // MARK: What the machine wants

  private func perform(_ first: [FetchMachine.Action]) {
    var actions = first[...]
    while let action = actions.popFirst() {
      switch action {
      case .connect(let key): actions += connect(key)
      case .want(let key):
        guard let connection = links[key]?.connection else { continue }
        links[key]?.stream = connection.want(root, for: self)
        guard links[key]?.stream == nil else { continue }
        links[key] = nil
        actions += machine.lost(key, now: context.clock.now)
      case .requestHashes(let key, let range):
        guard let link = links[key], let stream = link.stream else { continue }
        link.connection.send(.hashRequest(stream: stream, range))
      case .request(let key, let blocks):
        guard let link = links[key], let stream = link.stream else { continue }
        link.connection.send(.blockRequest(stream: stream, blocks: blocks))
      case .cancel(let key, let blocks):
        guard let link = links[key], let stream = link.stream else { continue }
        link.connection.send(.cancel(stream: stream, blocks: blocks))
      case .keep(let layers): layersToKeep = layers
      case .leave(let key, let reason):
        log.debug("peer left", metadata: ["peer": "\(key)", "reason": "\(reason)"])
        leave(key)
      case .ban(let key, let offence):
        banned[key] = offence
        log.notice(
          "peer banned",
          metadata: ["peer": "\(key)", "offence": "\(offence)", "root": "\(root)"])
        links[key] = nil
        pool.ban(key, for: offence)
      case .complete: finish(.complete)
      case .failed(let failure): finish(.failed(failure))
      }
    }
  }

  private func connect(_ key: PublicKey) -> [FetchMachine.Action] {
    let now = context.clock.now
    guard let provider = providers[key] else { return machine.lost(key, now: now) }
    switch pool.connection(to: provider, for: self) {
    case .open(let connection): return join(connection)
    case .opening: return []
    case .banned: return machine.rejected(key, .notHere, now: now)
    case .refused: return machine.lost(key, now: now)
    }
  }

  private func join(_ connection: PeerConnection) -> [FetchMachine.Action] {
    let now = context.clock.now
    let key = connection.key
    guard outcome == nil, links[key] == nil else { return [] }
    links[key] = Link(connection: connection)
    let actions = machine.joined(key, credit: connection.credit, now: now)
    if actions.isEmpty {
      leave(key)
      return []
    }
    return connection.isChoked ? actions + machine.choked(key, now: now) : actions
  }

  private func leave(_ key: PublicKey) {
    guard let link = links.removeValue(forKey: key) else { return }
    if let stream = link.stream { link.connection.closeStream(stream) }
  }

  private func isLinked(_ connection: PeerConnection, _ stream: UInt32) -> Bool {
    guard let link = links[connection.key] else { return false }
    return link.connection === connection && link.stream == stream
  }

  private func finish(_ result: Outcome) {
    guard outcome == nil else { return }
    outcome = result
    end.finish()
  }

  private func report(at now: Instant, isLast: Bool) {
    guard let progress, isLast || now - lastProgress >= .milliseconds(100) else { return }
    lastProgress = now
    progress(standing)
  }
}
