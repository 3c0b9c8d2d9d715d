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
  let neighbours: Neighbours
  let logger: Logger
  /// What the running fetches are called.
  let names = FetchNames()

  /// The statements about these fingerprints whose signatures and times hold, by `issuers` only
  /// unless that is empty; a look-up ends as soon as `accept` takes what was found for its fingerprint.
  func statements(
    about fingerprints: [Fingerprint], issuers: [PublicKey],
    accept: @escaping @Sendable (Fingerprint, [SignedStatement]) -> Bool = { _, _ in false }
  ) async -> [Fingerprint: [SignedStatement]] {
    let now = WallClock.now
    let found = await dht.statements(for: fingerprints.map(\.bytes), issuers: issuers) {
      key, records in
      let fingerprint = Fingerprint(key)
      return accept(fingerprint, Self.verified(records, about: fingerprint, now: now))
    }
    var statements: [Fingerprint: [SignedStatement]] = [:]
    for fingerprint in fingerprints {
      let verified = Self.verified(found[fingerprint.bytes] ?? [], about: fingerprint, now: now)
      if !verified.isEmpty { statements[fingerprint] = verified }
    }
    return statements
  }

  private static func verified(
    _ records: [[UInt8]], about fingerprint: Fingerprint, now: Timestamp
  ) -> [SignedStatement] {
    records.compactMap { bytes in
      guard let signed = try? SignedStatement(verifying: bytes, now: now),
        signed.statement.fingerprint == fingerprint
      else { return nil }
      return signed
    }
  }

  /// What is wrong with the network or a clock, for who reads a plan.
  ///
  /// `before` is the DHT's state before the plan's questions were asked.
  func notes(since before: DHTSnapshot) async -> [String] {
    let after = await dht.snapshot
    var notes: [String] = []
    if !after.isJoined {
      notes.append("no peer answers, so only what is known here was judged; see 'larder status'")
    }
    let early =
      after.status.counters.recordsFromTheFuture - before.status.counters.recordsFromTheFuture
    if early > 0 {
      notes.append(
        "statements dated in the future were not used: is this clock behind, or a builder's ahead?")
    }
    return notes
  }

  /// Who announces these blobs.
  func providers(of roots: [ContentRoot]) async -> [ContentRoot: [ProviderRecord]] {
    guard !roots.isEmpty else { return [:] }
    return await dht.providers(of: roots)
  }

  /// Stores own statements in the DHT and announces that their blobs are here.
  func publish(_ statements: [SignedStatement], providing roots: [ContentRoot]) async {
    let copies = await dht.publish(statements: statements.map(\.encoded), announcing: roots)
    logger.info(
      "published", metadata: ["statements": "\(statements.count)", "copies": "\(copies)"])
  }
}
