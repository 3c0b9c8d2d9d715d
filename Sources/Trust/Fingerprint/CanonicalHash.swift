import Cryptography
import Wire

/// BLAKE2b over a domain string and length-prefixed fields: no two lists of fields share an encoding.
///
/// Input: the domain's bytes, then for each field a 4-byte big-endian length and the field's bytes.
struct CanonicalHash {
  private var hash: BLAKE2b

  init(domain: StaticString, length: Int = 32) {
    hash = BLAKE2b(length: length)
    domain.withUTF8Buffer { hash.update(buffer: $0) }
  }

  mutating func append(_ text: some StringProtocol) {
    append(Array(text.utf8))
  }

  mutating func append(_ bytes: [UInt8]) {
    let count = UInt32(truncatingIfNeeded: bytes.count)
    hash.update([
      UInt8(count >> 24), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255),
    ])
    hash.update(bytes)
  }

  func finalize() -> [UInt8] { hash.finalize() }

  /// The digest of a hash that was made with the default length.
  func digest() -> Bytes32 { Bytes32(hash.finalize()) ?? .zero }
}
