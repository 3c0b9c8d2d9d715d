public import Cryptography
public import Wire

/// The nodes that broke the rules, by node key, each until some time.
public struct BanList: Sendable {
  /// One ban.
  public struct Entry: Sendable, Equatable {
    /// What the node did.
    public let offence: Offence
    /// When the ban ends.
    public let until: Instant
  }

  /// The most entries; past it the ban that ends first is dropped.
  public let capacity: Int
  /// How long a ban lasts.
  public let term: Duration
  var entries: [PublicKey: Entry] = [:]

  /// An empty list.
  public init(capacity: Int = 1_024, term: Duration = .seconds(24 * 3_600)) {
    precondition(capacity > 0, "a ban list of \(capacity) entries")
    self.capacity = capacity
    self.term = term
  }

  /// The number of entries, ended ones included.
  public var count: Int { entries.count }

  /// Bans a node from now on.
  public mutating func ban(_ key: PublicKey, for offence: Offence, now: Instant) {
    if entries[key] == nil, entries.count >= capacity {
      entries = entries.filter { $0.value.until > now }
      if entries.count >= capacity {
        let first = entries.min { ($0.value.until, $0.key) < ($1.value.until, $1.key) }
        if let first { entries[first.key] = nil }
      }
    }
    entries[key] = Entry(offence: offence, until: now + term)
  }

  /// Ends a ban.
  public mutating func lift(_ key: PublicKey) {
    entries[key] = nil
  }

  /// The ban of a node; nil if it is not banned now.
  public func ban(of key: PublicKey, now: Instant) -> Entry? {
    guard let entry = entries[key], entry.until > now else { return nil }
    return entry
  }

  /// The bans that last, by key.
  public func current(now: Instant) -> [(key: PublicKey, entry: Entry)] {
    entries.filter { $0.value.until > now }.sorted { $0.key < $1.key }
      .map { (key: $0.key, entry: $0.value) }
  }
}

/// What a peer is banned for.
public enum Offence: Sendable, Hashable {
  /// It says another size than the issuer signed.
  case wrongSize(UInt64, signed: UInt64)
  /// A bit set that does not fit the blob.
  case badBitmap
  /// Digests that don't make the root.
  case badLayer
  /// A block whose digest is another.
  case badBlock(Int)
  /// A block of another length than the blob's tree has there.
  case badLength(block: Int, Int)
  /// A block or digests that were not asked for.
  case unasked
  /// It broke the protocol.
  case violation
}

extension Offence: CustomStringConvertible {
  /// The offence in a few words.
  public var description: String {
    switch self {
    case .wrongSize(let size, let signed): "says size \(size), signed is \(signed)"
    case .badBitmap: "sent a bit set that does not fit the blob"
    case .badLayer: "sent digests that do not make the root"
    case .badBlock(let block): "sent a wrong block \(block)"
    case .badLength(let block, let length): "sent \(length) bytes for block \(block)"
    case .unasked: "sent what was not asked for"
    case .violation: "broke the protocol"
    }
  }
}
