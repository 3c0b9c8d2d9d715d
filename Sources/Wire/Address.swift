/// An IP address of either family.
public enum IPAddress: Hashable, Sendable {
  /// Four bytes, the first in the highest bits.
  case v4(UInt32)
  /// Sixteen bytes, the first in the highest bits of the first word.
  case v6(UInt64, UInt64)

  /// 4 or 16 bytes in network order.
  public var bytes: [UInt8] {
    switch self {
    case .v4(let value): bigEndianBytes(UInt64(value), count: 4)
    case .v6(let high, let low): bigEndianBytes(high, count: 8) + bigEndianBytes(low, count: 8)
    }
  }

  /// The address of 4 or 16 bytes in network order; an IPv4-mapped IPv6 address becomes IPv4.
  public init?(bytes: some Collection<UInt8>) {
    switch bytes.count {
    case 4:
      self = .v4(UInt32(bigEndian(bytes)))
    case 16:
      let high = bigEndian(bytes.prefix(8))
      let low = bigEndian(bytes.dropFirst(8))
      self = high == 0 && low >> 32 == 0xFFFF ? .v4(UInt32(low & 0xFFFF_FFFF)) : .v6(high, low)
    default:
      return nil
    }
  }

  /// Whether the address is reachable from the whole internet: not private, loopback, link-local,
  /// shared, documentation, benchmarking, multicast, reserved or unspecified (IANA's special-purpose
  /// registries, RFC 6890).
  ///
  /// 6to4 and Teredo count as global: callers cap global addresses by network, others one by one, so
  /// who can have very many of them must fall under the stricter rule.
  public var isGlobal: Bool {
    switch self {
    case .v4(let value):
      return value >> 24 < 224 && !Self.specialIPv4.contains { network($0.length) == $0.network }
    case .v6(let high, _):
      return high >> 61 == 1 && !Self.specialIPv6.contains { network($0.length) == $0.network }
    }
  }

  private static let specialIPv4: [(network: IPAddress, length: Int)] = [
    (.v4(0x0000_0000), 8),  // this network
    (.v4(0x0A00_0000), 8),  // private, RFC 1918
    (.v4(0x6440_0000), 10),  // shared by carriers, RFC 6598
    (.v4(0x7F00_0000), 8),  // loopback
    (.v4(0xA9FE_0000), 16),  // link-local
    (.v4(0xAC10_0000), 12),  // private
    (.v4(0xC000_0000), 24),  // protocol assignments
    (.v4(0xC000_0200), 24),  // documentation, RFC 5737
    (.v4(0xC0A8_0000), 16),  // private
    (.v4(0xC612_0000), 15),  // benchmarking, RFC 2544
    (.v4(0xC633_6400), 24),  // documentation
    (.v4(0xCB00_7100), 24),  // documentation
  ]

  private static let specialIPv6: [(network: IPAddress, length: Int)] = [
    (.v6(0x2001_0002_0000_0000, 0), 48),  // benchmarking, RFC 5180
    (.v6(0x2001_0DB8_0000_0000, 0), 32),  // documentation, RFC 3849
    (.v6(0x3FFF_0000_0000_0000, 0), 20),  // documentation, RFC 9637
  ]

  /// Whether the address is this machine itself.
  public var isLoopback: Bool {
    switch self {
    case .v4(let value): value >> 24 == 127
    case .v6(let high, let low): high == 0 && low == 1
    }
  }

  /// Whether one host may have this address: not unspecified, multicast, broadcast or for discarding
  /// (100::/64, RFC 6666).
  public var isUnicast: Bool {
    switch self {
    case .v4(let value): value >> 24 != 0 && value >> 28 < 0xE
    case .v6(let high, let low):
      high >> 56 != 0xFF && (high != 0 || low != 0) && high != 0x0100_0000_0000_0000
    }
  }

  /// What one host may have alone, by which it is counted: an IPv4 address, or an IPv6 network of 64 bits.
  public var place: IPAddress { network(64) }

  /// The network of this prefix length, as a hashable address with the host bits cleared.
  public func network(_ length: Int) -> IPAddress {
    switch self {
    case .v4(let value):
      return .v4(length <= 0 ? 0 : value & (UInt32.max << UInt32(max(0, 32 - length))))
    case .v6(let high, let low):
      let highMask = length <= 0 ? 0 : UInt64.max << UInt64(max(0, 64 - length))
      let lowMask = length <= 64 ? 0 : UInt64.max << UInt64(max(0, 128 - length))
      return .v6(high & highMask, low & lowMask)
    }
  }
}

/// An IP address with a port: where a datagram goes or a stream is opened.
public struct Address: Hashable, Sendable {
  /// The IP address.
  public let ip: IPAddress
  /// The UDP or TCP port.
  public let port: UInt16

  /// The port on that address.
  public init(ip: IPAddress, port: UInt16) {
    self.ip = ip
    self.port = port
  }

  /// 6 or 18 bytes: the IP address, then the port, in network order (as in BEP 5's compact form).
  public var compact: [UInt8] {
    ip.bytes + bigEndianBytes(UInt64(port), count: 2)
  }

  /// The address of 6 or 18 bytes; nil for other counts and for port 0.
  public init?(compact: some Collection<UInt8>) {
    guard compact.count == 6 || compact.count == 18,
      let ip = IPAddress(bytes: compact.prefix(compact.count - 2))
    else { return nil }
    let port = UInt16(bigEndian(compact.suffix(2)))
    guard port != 0 else { return nil }
    self.init(ip: ip, port: port)
  }
}

func bigEndian(_ bytes: some Collection<UInt8>) -> UInt64 {
  var value: UInt64 = 0
  for byte in bytes { value = value << 8 | UInt64(byte) }
  return value
}

func bigEndianBytes(_ value: UInt64, count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
}
