import Cryptography
import Logging
import Transfer
import Wire

/// Drives one `FetchMachine`: its actions become frames, the peers' frames its inputs.
actor FetchDriver {
  enum Outcome {
    case complete
    case failed(FetchMachine.Failure)
    case store(any Error)
  }

  struct Link {
    let connection: PeerConnection
    /// The stream's number once the blob was asked for.
    var stream: UInt32?
  }

  nonisolated let root: ContentRoot
  nonisolated let layout: BlockLayout
  let partial: any PartialBlob
  private let pool: ConnectionPool
  let context: TransferContext
  private let log: Logger
  private let providers: [PublicKey: TransferService.Provider]
  private let progress: (@Sendable (FetchProgress) -> Void)?
  private let order: [PublicKey]

  var machine: FetchMachine
  var links: [PublicKey: Link] = [:]
  private var banned: [PublicKey: Offence] = [:]
  var layersToKeep: MerkleLayers?
  var outcome: Outcome?
  var writing = 0
  var idle: CheckedContinuation<Void, Never>?
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

  // MARK: What the machine wants

  func perform(_ first: [FetchMachine.Action]) {
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
        if reason == .silent { links[key]?.connection.closeIfSilent() }
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

  func join(_ connection: PeerConnection) -> [FetchMachine.Action] {
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

  func isLinked(_ connection: PeerConnection, _ stream: UInt32) -> Bool {
    guard let link = links[connection.key] else { return false }
    return link.connection === connection && link.stream == stream
  }

  func finish(_ result: Outcome) {
    guard outcome == nil else { return }
    outcome = result
    end.finish()
  }

  func report(at now: Instant, isLast: Bool) {
    guard let progress, isLast || now - lastProgress >= .milliseconds(100) else { return }
    lastProgress = now
    progress(standing)
  }
}
