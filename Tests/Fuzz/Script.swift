import Cryptography
import DHT
import Wire

/// Reads operations and their arguments from bytes; zeros follow the end.
struct Script {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) {
    rest = bytes.prefix(4_096)
  }

  mutating func byte() -> UInt8? { rest.popFirst() }
  mutating func number() -> UInt8 { rest.popFirst() ?? 0 }

  mutating func bytes(_ count: Int) -> [UInt8] {
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  mutating func contact() -> Contact {
    let number = UInt64(number()) << 8 | UInt64(number())
    return Contact(
      key: PublicKey(Bytes32(words: (number + 1, 7, 7, 7))),
      address: Address(ip: .v4(0x0A00_0000 | UInt32(number)), port: 1 + UInt16(number % 3)))
  }
}
