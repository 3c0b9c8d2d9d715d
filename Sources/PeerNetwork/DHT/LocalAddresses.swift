import NIOCore
import Wire

/// The addresses of this machine's interfaces, whose change means another way to the network.
enum LocalAddresses {
  /// Those of now, without loopback and link-local ones, which say nothing of a way; empty if the
  /// system does not tell.
  static var current: Set<IPAddress> {
    var found: Set<IPAddress> = []
    for device in (try? System.enumerateDevices()) ?? [] {
      guard let ip = device.address.flatMap({ Address($0)?.ip }), !ip.isLoopback else { continue }
      if case .v6(let high, _) = ip, high >> 54 == 0x3FA { continue }
      found.insert(ip)
    }
    return found
  }
}
