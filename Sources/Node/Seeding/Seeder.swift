import Cryptography
import DHT
import Logging
import PeerNetwork
import Storage
import Trust
import Wire

/// Copies what issuers on the trust list publish, so that it can be had while their machines are off.
actor Seeder {
  private let trust: TrustStore
  private let catalog: Catalog
  private let store: DirectoryBlobStore
  private let peers: Peers
  private let ruler: TransferRuler
  private let logger: Logger
  private var queue = SeedQueue()
  /// Rung by new blobs and by fetches that ended.
  private let bell = Doorbell()
  private let started = ContinuousClock.now

  init(
    trust: TrustStore, catalog: Catalog, store: DirectoryBlobStore, peers: Peers,
    ruler: TransferRuler, logger: Logger
  ) {
    self.trust = trust
    self.catalog = catalog
    self.store = store
    self.peers = peers
    self.ruler = ruler
    self.logger = logger
  }

  /// Takes what the DHT was given to keep, until cancelled.
  func run(kept records: AsyncStream<Record>) async throws {
    for await record in records {
      guard let statement = try? SignedStatement(verifying: record.bytes, now: WallClock.now) else {
        continue
      }
      await consider(statement)
    }
  }

  /// Fetches what is wanted, a few blobs at a time, until cancelled.
  func fetchWanted() async throws {
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      var running = 0
      while true {
        while let next = queue.next(at: now) {
          tasks.addTask { [self] in await fetch(next) }
          running += 1
          // Finished tasks are taken off the group now and then.
          while running > 64, try await tasks.next() != nil { running -= 1 }
        }
        try await bell.wait(atMost: queue.nextDeadline.map { $0 - now })
      }
    }
  }

  private var now: Instant { Instant.zero + (ContinuousClock.now - started) }

  private func consider(_ signed: SignedStatement) async {
    guard await isTrusted(signed) else { return }
    let root = signed.statement.root
    do {
      try await catalog.keep([signed])
      if signed.statement.isWithdrawn {
        queue.drop(root)
        await peers.dht.stopAnnouncing([root])
        return
      }
      if try await store.size(of: root) != nil { return await peers.dht.announce([root]) }
    } catch {
      return logger.error("seeding failed", metadata: ["reason": "\(error)"])
    }
    if queue.add(signed, at: now) { bell.ring() }
  }

  private func isTrusted(_ signed: SignedStatement) async -> Bool {
    let list = await trust.list
    return list.issuer(of: signed.issuer) != nil
      && list.revocation(of: signed.issuer, at: WallClock.now) == nil
  }

  private func fetch(_ signed: SignedStatement) async {
    let root = signed.statement.root
    // The list may have changed while the blob waited.
    if await !isTrusted(signed) { queue.drop(root) }
    let isFetched = await bring(signed)
    let isWanted = queue.finish(root, isFetched: isFetched, at: now)
    bell.ring()
    guard isFetched, isWanted else { return }
    await peers.dht.announce([root])
    logger.info("seeding", metadata: ["root": "\(root)"])
  }

  /// Whether the blob is here now.
  private func bring(_ signed: SignedStatement) async -> Bool {
    let root = signed.statement.root
    do {
      try await ruler.waitWhileMetered()
      guard let providers = await peers.providers(of: [root])[root], !providers.isEmpty else {
        return false
      }
      _ = try await peers.fetch(
        root, size: signed.statement.size, from: providers, name: "\(root)"
      ) { _ in }
      try await catalog.add(root, size: signed.statement.size, now: WallClock.now)
      return true
    } catch {
      logger.info(
        "seeding will be tried again", metadata: ["root": "\(root)", "reason": "\(error)"])
      return false
    }
  }
}
