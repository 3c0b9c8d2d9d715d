public import Cryptography
public import DHT
public import Wire

/// What other parts of the node ask the DHT.
extension DHTService {
  /// Statements under many keys, by key, as encoded records.
  ///
  /// Only those of `issuers` count (empty: any). A key's search ends when `accept` is content with
  /// what was found so far, else when nobody is left to ask. Cancellation leaves nothing behind.
  public func statements(
    for keys: [Bytes32], issuers: [PublicKey],
    accept: @escaping @Sendable (_ key: Bytes32, _ statements: [[UInt8]]) -> Bool
  ) async -> [Bytes32: [[UInt8]]] {
    let known = Set(issuers)
    // More issuers than a GET may name: ask for all and choose here.
    let prefixes = issuers.count <= Limits.issuersPerRequest ? issuers.map(\.prefix) : []
    let chosen: @Sendable ([Record]) -> [[UInt8]] = { records in
      var bytes: [[UInt8]] = []
      for record in records where known.isEmpty || known.contains(record.publisher) {
        bytes.append(record.bytes)
      }
      return bytes
    }
    let outcome = await perform(
      .get(keys: keys, kind: .statement, issuers: prefixes) { key, records in
        accept(key, chosen(records))
      })
    guard case .records(let found)? = outcome else { return [:] }
    var result: [Bytes32: [[UInt8]]] = [:]
    for one in found where !one.records.isEmpty {
      let statements = chosen(one.records)
      if !statements.isEmpty { result[one.key] = statements }
    }
    return result
  }

  /// Nodes that announced these blobs, by content root; a search ends when `enough` were found.
  ///
  /// Seeders come first. Cancellation leaves nothing behind.
  public func providers(
    of roots: [ContentRoot], enough: Int = 8
  ) async -> [ContentRoot: [ProviderRecord]] {
    let own = key
    let outcome = await perform(
      .get(keys: roots.map(\.bytes), kind: .provider, issuers: []) { _, records in
        records.count { $0.publisher != own } >= enough
      })
    guard case .records(let found)? = outcome else { return [:] }
    let now = wallClock()
    var result: [ContentRoot: [ProviderRecord]] = [:]
    for one in found {
      var seeders: [ProviderRecord] = []
      var desktops: [ProviderRecord] = []
      for record in one.records where record.publisher != own {
        guard let provider = try? ProviderRecord(verifying: record.bytes, now: now) else {
          continue
        }
        if provider.role == .seeder { seeders.append(provider) } else { desktops.append(provider) }
      }
      let providers = seeders + desktops
      if !providers.isEmpty { result[ContentRoot(one.key)] = providers }
    }
    return result
  }

  /// Takes the issuers of the own trust list: their statements get the reserved places of a full key.
  public func trust(_ issuers: [PublicKey]) {
    machine.trustedIssuers = Set(issuers)
    note(.trusted(issuers.sorted()))
  }

  /// Opens a way for datagrams to a node behind a NAT, through nodes that both know; the contact at
  /// which it answered, or nil. Cancellation leaves nothing behind.
  public func punch(_ peer: PublicKey) async -> Contact? {
    guard case .contacts(let contacts)? = await perform(.punch(peer)) else { return nil }
    return contacts.first
  }

  /// The node's Kademlia contacts nearest to a point, after asking the network.
  public func nodes(near target: Bytes32) async -> [Contact] {
    guard case .contacts(let contacts)? = await perform(.find(target)) else { return [] }
    return contacts
  }
}
