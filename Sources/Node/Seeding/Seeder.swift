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
  private let logger: Logger
  /// Blobs that could not be fetched yet, with how often that was tried.
  private var waiting: [ContentRoot: (statement: SignedStatement, tries: Int)] = [:]
  private let bell = Doorbell()

  init(
    trust: TrustStore, catalog: Catalog, store: DirectoryBlobStore, peers: Peers, logger: Logger
  ) {
    self.trust = trust
    self.catalog = catalog
    self.store = store
    self.peers = peers
    self.logger = logger
  }

  /// Statements that may wait at once; more are left to the next round of the publisher.
  private static let capacity = 10_000
  /// How often a blob is tried whose providers don't answer.
  private static let tries = 20

  /// Takes what the DHT was given to keep, until cancelled.
  func run(kept records: AsyncStream<Record>) async throws {
    for await record in records {
      guard let statement = try? SignedStatement(verifying: record.bytes, now: WallClock.now) else {
        continue
      }
      await consider(statement)
    }
  }

  /// Tries again what could not be fetched, until cancelled.
  func retry() async throws {
    while true {
      if waiting.isEmpty { try await bell.wait() }
      try await Task.sleep(for: .seconds(2))
      for (root, entry) in waiting.sorted(by: { $0.key < $1.key }) {
        await fetch(entry.statement, root, tries: entry.tries + 1)
      }
    }
  }

  private func consider(_ signed: SignedStatement) async {
    let list = await trust.list
    let now = WallClock.now
    guard list.issuer(of: signed.issuer) != nil,
      list.revocation(of: signed.issuer, at: now) == nil
    else { return }
    let root = signed.statement.root
    do {
      try await catalog.keep([signed])
      if signed.statement.isWithdrawn {
        await peers.dht.stopAnnouncing([root])
        return
      }
      if try await store.size(of: root) != nil { return await peers.dht.announce([root]) }
    } catch {
      return logger.error("seeding failed", metadata: ["reason": "\(error)"])
    }
    guard waiting[root] == nil, waiting.count < Self.capacity else { return }
    waiting[root] = (signed, 0)
    bell.ring()
  }

  private func fetch(_ signed: SignedStatement, _ root: ContentRoot, tries: Int) async {
    waiting[root]?.tries = tries
    do {
      let providers = await peers.providers(of: [root])[root] ?? []
      if !providers.isEmpty {
        _ = try await peers.fetch(
          root, size: signed.statement.size, from: providers, name: "\(root)"
        ) { _ in }
        try await catalog.add(root, size: signed.statement.size, now: WallClock.now)
        await peers.dht.announce([root])
        waiting[root] = nil
        return logger.info("seeding", metadata: ["root": "\(root)"])
      }
    } catch {
      logger.info(
        "seeding will be tried again", metadata: ["root": "\(root)", "reason": "\(error)"])
    }
    if tries >= Self.tries { waiting[root] = nil }
  }
}
