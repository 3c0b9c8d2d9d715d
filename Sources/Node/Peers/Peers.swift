import Cryptography
import DHT
import Logging
import PeerNetwork
import Storage
import Transfer
import Trust
import Wire

/// What the rest of a node asks of the network: statements, providers, blobs.
struct Peers: Sendable {
  let dht: DHTService
  let transfer: TransferService
  let logger: Logger

  /// The statements about these fingerprints whose signatures and times hold, by `issuers` only
  /// unless that is empty.
  func statements(
    about fingerprints: [Fingerprint], issuers: [PublicKey]
  ) async -> [Fingerprint: [SignedStatement]] {
    let now = WallClock.now
    let found = await dht.statements(for: fingerprints.map(\.bytes), issuers: issuers) { _, _ in
      // Every issuer may have something to say: agreement is counted over all of them.
      false
    }
    var statements: [Fingerprint: [SignedStatement]] = [:]
    for fingerprint in fingerprints {
      for bytes in found[fingerprint.bytes] ?? [] {
        guard let signed = try? SignedStatement(verifying: bytes, now: now),
          signed.statement.fingerprint == fingerprint
        else { continue }
        statements[fingerprint, default: []].append(signed)
      }
    }
    return statements
  }

  /// Who announces these blobs.
  func providers(of roots: [ContentRoot]) async -> [ContentRoot: [ProviderRecord]] {
    guard !roots.isEmpty else { return [:] }
    return await dht.providers(of: roots)
  }

  /// Stores own statements in the DHT and announces that their blobs are here.
  func publish(_ statements: [SignedStatement], providing roots: [ContentRoot]) async {
    let copies = await dht.publish(statements: statements.map(\.encoded))
    await dht.announce(roots)
    logger.info(
      "published", metadata: ["statements": "\(statements.count)", "copies": "\(copies)"])
  }
}
