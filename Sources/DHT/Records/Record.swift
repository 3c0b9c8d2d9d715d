public import Cryptography
public import Wire

/// What a record of the DHT says.
public enum RecordKind: UInt32, Sendable, Hashable, CaseIterable {
  /// A build statement, signed by its issuer; its key is the fingerprint.
  case statement = 1
  /// A provider announcement, signed by the node; its key is the content root.
  case provider = 2
}

/// A signed record that a validator has checked, with the facts that the DHT needs to keep it.
public struct Record: Sendable, Hashable {
  /// Where in the DHT it belongs.
  public let key: Bytes32
  /// What it says.
  public let kind: RecordKind
  /// Who signed it.
  public let publisher: PublicKey
  /// What of the publisher's it is: a publisher has one record a key and slot, the newest.
  public let slot: Bytes32
  /// Orders the records of one slot; the highest stands.
  public let sequence: UInt64
  /// When it ends.
  public let expires: Timestamp
  /// Whether it withdraws what stood in its slot.
  public let isTombstone: Bool
  /// The encoded envelope, as it was signed, at most `Limits.record` bytes.
  public let bytes: [UInt8]

  /// A record with these facts.
  public init(
    key: Bytes32, kind: RecordKind, publisher: PublicKey, slot: Bytes32, sequence: UInt64,
    expires: Timestamp, isTombstone: Bool = false, bytes: [UInt8]
  ) {
    self.key = key
    self.kind = kind
    self.publisher = publisher
    self.slot = slot
    self.sequence = sequence
    self.expires = expires
    self.isTombstone = isTombstone
    self.bytes = bytes
  }

  /// The first eight bytes of the encoding's digest, by which replicas compare what they hold.
  var digest: UInt64 { BLAKE2b.hash256(bytes).words.0 }

  /// Whether both stand in one slot.
  func sharesSlot(with other: Record) -> Bool {
    publisher == other.publisher && slot == other.slot && kind == other.kind && key == other.key
  }

  /// Whether this one is to be kept where both stand in one slot.
  func supersedes(_ other: Record) -> Bool {
    sequence != other.sequence ? sequence > other.sequence : expires > other.expires
  }
}

extension PublicKey {
  /// The first eight bytes, by which a GET names an issuer.
  public var prefix: UInt64 { bytes.words.0 }
}
