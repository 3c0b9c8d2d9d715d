public import Cryptography
public import DHT
public import Wire

/// Records without signatures, for simulations in which nobody forges: 72 bytes of key, publisher and
/// numbers, then padding.
public struct OpenRecords: RecordValidator {
  /// A validator that believes everything well-formed and unexpired.
  public init() {}

  /// A record of these facts, padded to `size` bytes.
  public static func make(
    key: Bytes32, kind: RecordKind = .statement, publisher: PublicKey, slot: Bytes32,
    sequence: UInt64 = 1, expires: Timestamp, size: Int = 500
  ) -> Record {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    bytes.append(UInt8(truncatingIfNeeded: kind.rawValue))
    bytes += key.bytes
    bytes += publisher.bytes.bytes
    bytes += slot.bytes
    bytes += number(sequence)
    bytes += number(UInt64(bitPattern: expires.seconds))
    while bytes.count < size { bytes.append(0) }
    return Record(
      key: key, kind: kind, publisher: publisher, slot: slot, sequence: sequence,
      expires: expires, bytes: bytes)
  }

  /// The record in these bytes.
  public func validate(
    _ bytes: [UInt8], kind: RecordKind, now: Timestamp
  ) throws(RecordRejection) -> Record {
    guard (113...Limits.record).contains(bytes.count), UInt32(bytes[0]) == kind.rawValue,
      let key = Bytes32(bytes[1..<33]), let publisher = PublicKey(bytes[33..<65]),
      let slot = Bytes32(bytes[65..<97])
    else { throw .malformed }
    let expires = Timestamp(Int64(bitPattern: Self.number(bytes[105..<113])))
    guard expires > now else { throw .expired }
    return Record(
      key: key, kind: kind, publisher: publisher, slot: slot,
      sequence: Self.number(bytes[97..<105]), expires: expires, bytes: bytes)
  }

  private static func number(_ value: UInt64) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
