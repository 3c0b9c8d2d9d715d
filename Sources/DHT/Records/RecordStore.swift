import Cryptography
import HeapModule
import Wire

/// The records that this node keeps for others, within bounds that no sender can break.
///
/// 64 statements a key with one slot an issuer and content, 64 providers a key, 8 a source network and
/// key, 1 % of the bytes a network, a bound on all bytes. When full it makes room instead of refusing
/// all: expired records go first, then those of networks over their share, then the farthest.
struct RecordStore: Sendable {
  struct Entry: Sendable {
    let record: Record
    let source: Source
    var storedAt: Instant
    let digest: UInt64
    let isTrusted: Bool

    /// What keeping it costs, in bytes: the record and what is kept around it.
    var cost: Int { record.bytes.count + 320 }
  }

  /// Where a record came from, as coarse as the caps count: a network of global addresses, else the
  /// very address.
  enum Source: Hashable, Sendable {
    case network(IPAddress)
    case local(Address)

    init(_ address: Address) {
      guard address.ip.isGlobal else {
        self = .local(address)
        return
      }
      switch address.ip {
      case .v4: self = .network(address.ip.network(24))
      case .v6: self = .network(address.ip.network(48))
      }
    }
  }

  private struct Expiry: Comparable, Sendable {
    let at: Timestamp
    let key: Bytes32

    static func < (left: Expiry, right: Expiry) -> Bool {
      (left.at, left.key) < (right.at, right.key)
    }
  }

  let own: NodeID
  let settings: KademliaSettings
  private var shelves: [Bytes32: [Entry]] = [:]
  private var digests: Set<UInt64> = []
  private var bytesOfNetwork: [IPAddress: Int] = [:]
  /// Distances of all keys; those of removed keys are skipped when they come up.
  private var distances = Heap<Bytes32>()
  private var expiries = Heap<Expiry>()
  /// The cost of everything kept.
  private(set) var byteCount = 0
  /// The number of records kept.
  private(set) var count = 0
  /// The announcements among the records.
  private(set) var providerCount = 0

  init(own: NodeID, settings: KademliaSettings) {
    self.own = own
    self.settings = settings
  }

  /// The number of keys with records.
  var keyCount: Int { shelves.count }
  /// The keys with records, in order.
  var keys: [Bytes32] { shelves.keys.sorted() }

  /// Whether a record with this digest is here.
  func holds(digest: UInt64) -> Bool { digests.contains(digest) }

  /// The cost of what came from a network.
  func bytes(from network: IPAddress) -> Int { bytesOfNetwork[network, default: 0] }

  /// Everything kept under a key.
  func entries(under key: Bytes32) -> [Entry] { shelves[key] ?? [] }

  /// The records under a key in the order of GET: the newest of every issuer first, those of the own
  /// trust list before others, then each issuer's second, and so on.
  func records(
    under key: Bytes32, kind: RecordKind, issuers: [UInt64], now: Timestamp
  ) -> [Record] {
    guard let shelf = shelves[key] else { return [] }
    var picked: [(rank: Int, isTrusted: Bool, index: Int)] = []
    var ranks: [PublicKey: Int] = [:]
    for (index, entry) in shelf.enumerated().reversed() {
      let record = entry.record
      guard record.kind == kind, record.expires > now else { continue }
      guard issuers.isEmpty || issuers.contains(record.publisher.prefix) else { continue }
      picked.append((ranks[record.publisher, default: 0], entry.isTrusted, index))
      ranks[record.publisher, default: 0] += 1
    }
    picked.sort {
      if $0.rank != $1.rank { return $0.rank < $1.rank }
      if $0.isTrusted != $1.isTrusted { return $0.isTrusted }
      return $0.index > $1.index
    }
    return picked.map { shelf[$0.index].record }
  }

  /// Keeps a validated record, if its place, its source's share and the bounds allow.
  mutating func insert(
    _ record: Record, from address: Address, isTrusted: Bool, now: Instant, wall: Timestamp
  ) -> StoreResult {
    guard record.expires > wall else { return .expired }
    dropExpired(wall)
    var shelf = shelves.removeValue(forKey: record.key) ?? []
    let isNewKey = shelf.isEmpty
    let result = place(record, from: Source(address), isTrusted: isTrusted, now: now, in: &shelf)
    if !shelf.isEmpty { shelves[record.key] = shelf }
    guard result == .stored else { return result }
    if isNewKey { distances.insert(record.key ^ own.bytes) }
    expiries.insert(Expiry(at: record.expires, key: record.key))
    makeRoom(wall)
    compactHeaps()
    return shelves[record.key] == nil ? .tooFar : .stored
  }

  /// Removes what has ended and what nobody has stored again for `recordLife`.
  mutating func expire(now: Instant, wall: Timestamp) {
    dropExpired(wall)
    let life = settings.recordLife
    for key in keys {
      removeEntries(under: key) { now - $0.storedAt >= life }
    }
  }

  private mutating func place(
    _ record: Record, from source: Source, isTrusted: Bool, now: Instant, in shelf: inout [Entry]
  ) -> StoreResult {
    if let index = shelf.firstIndex(where: { $0.record.sharesSlot(with: record) }) {
      let old = shelf[index]
      if old.record.bytes == record.bytes {
        shelf[index].storedAt = now
        return .stored
      }
      guard record.supersedes(old.record) else { return .outdated }
      uncount(shelf.remove(at: index))
      // A newer one keeps its predecessor's source, so that replicas that pass it on pay nothing.
      append(record, from: old.source, isTrusted: isTrusted, now: now, to: &shelf)
      return .stored
    }
    if !isTrusted,
      shelf.count(where: { $0.source == source && $0.record.kind == record.kind })
        >= settings.recordsPerSource
    {
      return .overQuota
    }
    if case .network(let network) = source, !isTrusted,
      Double(bytesOfNetwork[network, default: 0])
        >= settings.storeShareOfNetwork * Double(settings.storeBytes)
    {
      return .overQuota
    }
    guard hasRoom(for: record, from: source, isTrusted: isTrusted, in: &shelf) else {
      return .keyFull
    }
    append(record, from: source, isTrusted: isTrusted, now: now, to: &shelf)
    return .stored
  }

  private mutating func append(
    _ record: Record, from source: Source, isTrusted: Bool, now: Instant, to shelf: inout [Entry]
  ) {
    let entry = Entry(
      record: record, source: source, storedAt: now, digest: record.digest, isTrusted: isTrusted)
    shelf.append(entry)
    count += 1
    if record.kind == .provider { providerCount += 1 }
    byteCount += entry.cost
    digests.insert(entry.digest)
    if case .network(let network) = source { bytesOfNetwork[network, default: 0] += entry.cost }
  }

  mutating func uncount(_ entry: Entry) {
    count -= 1
    if entry.record.kind == .provider { providerCount -= 1 }
    byteCount -= entry.cost
    digests.remove(entry.digest)
    guard case .network(let network) = entry.source else { return }
    let left = bytesOfNetwork[network, default: 0] - entry.cost
    bytesOfNetwork[network] = left > 0 ? left : nil
  }

  private mutating func makeRoom(_ wall: Timestamp) {
    guard byteCount > settings.storeBytes else { return }
    dropExpired(wall)
    while byteCount > settings.storeBytes, let distance = distances.popMax() {
      // Whole keys go: the nodes nearer to them keep the same records.
      removeEntries(under: distance ^ own.bytes) { _ in true }
    }
  }

  private mutating func dropExpired(_ wall: Timestamp) {
    while let first = expiries.min, first.at <= wall {
      expiries.removeMin()
      removeEntries(under: first.key) { $0.record.expires <= wall }
    }
  }

  private mutating func removeEntries(under key: Bytes32, where isGone: (Entry) -> Bool) {
    guard var shelf = shelves.removeValue(forKey: key) else { return }
    shelf.removeAll { entry in
      guard isGone(entry) else { return false }
      uncount(entry)
      return true
    }
    if !shelf.isEmpty { shelves[key] = shelf }
  }

  /// Rebuilds the heaps when most of what they hold is of removed records.
  private mutating func compactHeaps() {
    if distances.count > 2 * shelves.count + 256 {
      distances = Heap(shelves.keys.map { $0 ^ own.bytes })
    }
    if expiries.count > 2 * count + 256 {
      var rebuilt: [Expiry] = []
      for (key, shelf) in shelves {
        for entry in shelf { rebuilt.append(Expiry(at: entry.record.expires, key: key)) }
      }
      expiries = Heap(rebuilt)
    }
  }
}
