import Cryptography
import Wire

@testable import DHT

/// Records without signatures: the validator looks them up in the bytes it made.
struct PlainRecords: RecordValidator {
  static func make(
    key: Bytes32, kind: RecordKind = .statement, publisher: PublicKey, slot: Bytes32 = .zero,
    sequence: UInt64 = 1, expires: Timestamp = Timestamp(10_000), size: Int = 200
  ) -> Record {
    var bytes = key.bytes + publisher.bytes.bytes + slot.bytes
    bytes += withUnsafeBytes(of: sequence.bigEndian) { Array($0) }
    bytes += withUnsafeBytes(of: expires.seconds.bigEndian) { Array($0) }
    bytes.append(UInt8(truncatingIfNeeded: kind.rawValue))
    bytes += [UInt8](repeating: 0, count: max(0, size - bytes.count))
    return Record(
      key: key, kind: kind, publisher: publisher, slot: slot, sequence: sequence,
      expires: expires, bytes: bytes)
  }

  func validate(
    _ bytes: [UInt8], kind: RecordKind, now: Timestamp
  ) throws(RecordRejection) -> Record {
    guard bytes.count >= 113, let key = Bytes32(bytes[..<32]),
      let publisher = PublicKey(bytes[32..<64]), let slot = Bytes32(bytes[64..<96]),
      UInt32(bytes[112]) == kind.rawValue
    else { throw .malformed }
    let number = { (range: Range<Int>) in bytes[range].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
    let expires = Timestamp(Int64(bitPattern: number(104..<112)))
    guard expires > now else { throw .expired }
    guard expires < now + .seconds(1_000_000) else { throw .futureDated }
    return Record(
      key: key, kind: kind, publisher: publisher, slot: slot, sequence: number(96..<104),
      expires: expires, bytes: bytes)
  }
}

extension PublicKey {
  static func random(using random: inout SplitMix64) -> PublicKey {
    PublicKey(Bytes32.random(using: &random))
  }
}

extension Contact {
  /// A random node on the private address of this number.
  static func random(_ number: UInt32, using random: inout SplitMix64) -> Contact {
    Contact(
      key: .random(using: &random),
      address: Address(ip: .v4(0x0A00_0000 + number), port: 7782))
  }

  /// A random node on a given address.
  static func random(at text: String, using random: inout SplitMix64) -> Contact {
    Contact(
      key: .random(using: &random),
      address: Address(text) ?? Address(ip: .v4(0x0A00_0001), port: 1))
  }
}

extension Instant {
  /// Seconds after the origin.
  static func seconds(_ seconds: Int) -> Instant { .zero + .seconds(seconds) }
}
