import Cryptography
import Logging
import PeerNetwork
import Storage
import Trust
import Wire

/// Renews and withdraws what this node signed: packages compiled here, or a gateway's results.
struct StatementUpkeep: Sendable {
  let validity: Duration
  let key: SigningKey
  let catalog: Catalog
  let store: DirectoryBlobStore
  let peers: Peers
  let logger: Logger

  /// Tells everybody that own builds of these packages are no longer offered; a row for each.
  func withdraw(_ packages: [String]) async throws -> [PublishRow] {
    var rows: [PublishRow] = []
    for package in packages {
      let builds = try await catalog.ownBuilds(of: package)
      if builds.isEmpty { rows.append(PublishRow(package: package, outcome: .unpublished)) }
      for build in builds {
        let old = try SignedStatement(verifying: build.statement)
        guard old.issuer == key.publicKey else {
          rows.append(PublishRow(package: package, outcome: .foreign, root: "\(build.root)"))
          continue
        }
        let stone = try SignedStatement.sign(
          old.statement.withdrawn(at: WallClock.now), with: key)
        try await catalog.keep([stone])
        await peers.publish([stone], providing: [])
        await peers.dht.stopAnnouncing([build.root])
        _ = try await catalog.forgetOwnBuild(build.root)
        rows.append(PublishRow(package: package, outcome: .withdrawn, root: "\(build.root)"))
      }
    }
    return rows
  }

  /// Renews statements before they expire, for as long as their blobs are here; until cancelled.
  func renew() async throws {
    while true {
      do {
        try await renewDue(at: WallClock.now)
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        logger.error("statements not renewed", metadata: ["reason": "\(error)"])
      }
      try await Task.sleep(for: .seconds(3_600))
    }
  }

  /// Renews what expires within a third of the configured validity, and what a clock that was ahead
  /// dated in the future, which nobody takes before that time has come.
  func renewDue(at now: Timestamp) async throws {
    guard now > Program.released else { return }
    let builds = try await catalog.ownBuilds(
      endingBefore: now + validity / 3, orAfter: now + validity + Limits.clockSkew)
    var due: [OwnBuild] = []
    var renewed: [SignedStatement] = []
    for build in builds {
      let old = try SignedStatement(verifying: build.statement)
      guard old.issuer == key.publicKey, try await store.size(of: build.root) != nil else {
        // What can't be served or signed any more is let go with its statement's end.
        if old.statement.expires <= now { try await catalog.forgetOwnBuild(build.root) }
        continue
      }
      let next = old.statement.renewed(at: now, life: validity)
      renewed.append(try SignedStatement.sign(next, with: key))
      due.append(build)
    }
    guard !renewed.isEmpty else { return }
    try await catalog.keep(renewed)
    for (build, statement) in zip(due, renewed) {
      try await catalog.keep(
        OwnBuild(
          root: build.root, fingerprint: build.fingerprint, cpv: build.cpv, path: build.path,
          facts: build.facts, statement: statement.encoded, published: build.published,
          expires: statement.statement.expires))
    }
    await peers.publish(renewed, providing: due.map(\.root))
    logger.notice("statements renewed", metadata: ["count": "\(renewed.count)"])
  }
}
