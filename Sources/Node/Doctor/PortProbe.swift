import Glibc
import Wire

/// Finds out whether a port can be listened on, by doing so for a moment.
enum PortProbe {
  /// What is to be received there.
  enum Kind: Sendable {
    /// UDP.
    case datagrams
    /// TCP.
    case streams
  }

  /// Why the port can't be had, in the system's words; nil if it can.
  static func obstacle(to address: Address, _ kind: Kind) -> String? {
    let code = bindFailure(address, kind)
    return code == 0 ? nil : String(cString: strerror(code))
  }

  /// Binds and lets go again; the error number, or 0.
  private static func bindFailure(_ address: Address, _ kind: Kind) -> Int32 {
    let type = kind == .datagrams ? SOCK_DGRAM : SOCK_STREAM
    switch address.ip {
    case .v4(let bits):
      var name = sockaddr_in()
      name.sin_family = sa_family_t(AF_INET)
      name.sin_port = address.port.bigEndian
      name.sin_addr.s_addr = bits.bigEndian
      return tryBinding(AF_INET, type, kind, &name)
    case .v6:
      var name = sockaddr_in6()
      name.sin6_family = sa_family_t(AF_INET6)
      name.sin6_port = address.port.bigEndian
      withUnsafeMutableBytes(of: &name.sin6_addr) { $0.copyBytes(from: address.ip.bytes) }
      return tryBinding(AF_INET6, type, kind, &name)
    }
  }

  private static func tryBinding<Name>(
    _ family: Int32, _ type: __socket_type, _ kind: Kind, _ name: inout Name
  ) -> Int32 {
    let descriptor = socket(family, Int32(type.rawValue), 0)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    // For streams as the daemon does it: connections that ended just now must not look like a
    // listener. For datagrams it would let two sockets share the port.
    if kind == .streams {
      var on: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    }
    let length = socklen_t(MemoryLayout<Name>.size)
    let status = withUnsafePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    return status == 0 ? 0 : errno
  }
}
