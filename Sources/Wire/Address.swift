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
  /// shared (RFC 6598), multicast, reserved or unspecified.
  public var isGlobal: Bool {
    switch self {
    case .v4(let value):
      let first = value >> 24
      if first == 0 || first == 10 || first == 127 || first >= 224 { return false }
      if value >> 20 == 0xAC1 || value >> 16 == 0xC0A8 || value >> 16 == 0xA9FE { return false }
      if value >> 22 == 0x6440 >> 6 { return false }
      return true
    case .v6(let high, _):
      return high >> 61 == 1 && high >> 32 != 0x2001_0DB8
    }
  }

  /// Whether the address is this machine itself.
  public var isLoopback: Bool {
    switch self {
    case .v4(let value): value >> 24 == 127
    case .v6(let high, let low): high == 0 && low == 1
    }
  }

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
