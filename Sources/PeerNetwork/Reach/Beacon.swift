import Cryptography
import Wire

/// One announcement of a node to its local network, after BEP 14.
///
/// Layout, 121 bytes: magic 4, version 1, node key 32, UDP port 2, TCP port 2, Unix time in
/// milliseconds 8, nonce 8, Ed25519 signature 64 over network name and all of it before. The name is
/// signed and not sent: a beacon of another network is one whose signature is wrong.
struct Beacon: Equatable, Sendable {
  /// Why bytes are no beacon for us.
  enum DecodeError: Error, Equatable, Sendable {
    /// Not exactly `Beacon.length` bytes.
    case badLength(Int)
    /// Another program's bytes.
    case foreign
    /// A version that is not known here.
    case unknownVersion(UInt8)
    /// A port is 0.
    case badPort
    /// Another network's beacon, or altered bytes.
    case badSignature
  }

  /// The bytes of every beacon.
  static let length = 121
  /// `LRDB`: what tells our beacons from whatever else is sent to the group.
  static let magic: [UInt8] = [0x4C, 0x52, 0x44, 0x42]
  static let version: UInt8 = 1
  private static let context = "larder beacon 1"

  /// Who sends it.
  var key: PublicKey
  /// Where the sender's datagrams come from and go to.
  var udpPort: UInt16
  /// Where the sender takes streams.
  var tcpPort: UInt16
  /// The sender's clock, in milliseconds since 1970.
  var time: UInt64
  /// Random: no two beacons are equal.
  var nonce: UInt64

  /// The bytes to send, signed for the network of this name by the key that they name.
  func encoded(network: String, with identity: SigningKey) -> [UInt8] {
    var bytes = Self.magic
    bytes.append(Self.version)
    bytes += key.bytes.bytes
    Self.append(UInt64(udpPort), 2, to: &bytes)
    Self.append(UInt64(tcpPort), 2, to: &bytes)
    Self.append(time, 8, to: &bytes)
    Self.append(nonce, 8, to: &bytes)
    let signed = Self.signed(bytes, network)
    return bytes + identity.sign(signed, context: Self.context)
  }

  /// The fields of a beacon; whether the signature holds is for `verify`.
  init(parsing bytes: [UInt8]) throws(DecodeError) {
    guard bytes.count == Self.length else { throw .badLength(bytes.count) }
    guard bytes.starts(with: Self.magic) else { throw .foreign }
    guard bytes[4] == Self.version else { throw .unknownVersion(bytes[4]) }
    guard let key = PublicKey(bytes[5..<37]) else { throw .badLength(bytes.count) }
    let udpPort = UInt16(truncatingIfNeeded: Self.number(bytes[37..<39]))
    let tcpPort = UInt16(truncatingIfNeeded: Self.number(bytes[39..<41]))
    guard udpPort != 0, tcpPort != 0 else { throw .badPort }
    self.init(
      key: key, udpPort: udpPort, tcpPort: tcpPort, time: Self.number(bytes[41..<49]),
      nonce: Self.number(bytes[49..<57]))
  }

  init(key: PublicKey, udpPort: UInt16, tcpPort: UInt16, time: UInt64, nonce: UInt64) {
    self.key = key
    self.udpPort = udpPort
    self.tcpPort = tcpPort
    self.time = time
    self.nonce = nonce
  }

  /// Checks that the key in these bytes, which parsed, signed them for the network of this name.
  static func verify(_ bytes: [UInt8], network: String) throws(DecodeError) {
    guard bytes.count == length, let key = PublicKey(bytes[5..<37]) else {
      throw .badLength(bytes.count)
    }
    let signed = signed(Array(bytes[..<57]), network)
    guard key.verify(Array(bytes[57...]), of: signed, context: context) else {
      throw .badSignature
    }
  }

  private static func signed(_ bytes: [UInt8], _ network: String) -> [UInt8] {
    let name = Array(network.utf8)
    return [UInt8(truncatingIfNeeded: name.count)] + name + bytes
  }

  private static func append(_ value: UInt64, _ count: Int, to bytes: inout [UInt8]) {
    for place in (0..<count).reversed() {
      bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(place * 8)))
    }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
