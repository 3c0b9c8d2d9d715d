import NIOCore
import Wire

extension ChannelOption where Self == ChannelOptions.Types.SocketOption {
  /// With 0 a socket bound to `::` takes IPv4 too, whatever the system's default is.
  static var takesBothFamilies: Self {
    .init(level: .ipv6, name: .ipv6_v6only)
  }
}

extension Address {
  /// The address of a socket; nil for a Unix socket. IPv4 on an IPv6 socket becomes IPv4 again.
  init?(_ socket: SocketAddress) {
    guard let port = socket.port, let number = UInt16(exactly: port) else { return nil }
    // Offsets of `sin_addr` and `sin6_addr`; the structures are the kernel's and don't change.
    let place: Range<Int>
    switch socket {
    case .v4: place = 4..<8
    case .v6: place = 8..<24
    case .unixDomainSocket: return nil
    }
    let ip = socket.withSockAddr { pointer, size -> IPAddress? in
      guard size >= place.upperBound else { return nil }
      let raw = UnsafeRawBufferPointer(start: pointer, count: size)
      return IPAddress(bytes: Array(raw[place]))
    }
    guard let ip else { return nil }
    self.init(ip: ip, port: number)
  }

  /// The socket address for sending from a socket of this family; nil if it can't get there.
  func socketAddress(onIPv6 isIPv6: Bool) -> SocketAddress? {
    let bytes: [UInt8]
    switch ip {
    case .v4 where isIPv6: bytes = [UInt8](repeating: 0, count: 10) + [255, 255] + ip.bytes
    case .v4: bytes = ip.bytes
    case .v6: bytes = isIPv6 ? ip.bytes : []
    }
    guard !bytes.isEmpty else { return nil }
    return try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: Int(port))
  }
}
