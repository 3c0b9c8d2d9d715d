import CMiniUPnP
import Wire

/// Asks the network's router by UPnP (Internet Gateway Device).
struct UPnPClient: PortMappingClient {
  /// How long routers may take to show themselves, in milliseconds.
  var patience: Int32 = 2_000

  var means: PortMapping.Means { .upnp }

  func open(
    port: UInt16, previous: PortMapping?, lifetime: Duration
  ) throws(PortMappingError) -> PortMapping {
    guard let router = larder_igd_find(patience) else { throw .noRouter }
    defer { larder_igd_free(router) }
    let ip = try address(of: router)
    let first = previous?.udpPort ?? port
    // Somebody else may have the port; then one beside it will do.
    var status: Int32 = 0
    for offset: UInt16 in 0..<4 {
      let outer = max(first &+ offset, 1_024)
      status = map(router, outer, port, lifetime)
      if status == 0 {
        return PortMapping(
          means: means, ip: ip, udpPort: outer, tcpPort: outer, lifetime: lifetime)
      }
      guard status == Self.conflict else { break }
    }
    throw .refused(status)
  }

  func close(_ mapping: PortMapping, port: UInt16) {
    guard let router = larder_igd_find(patience) else { return }
    defer { larder_igd_free(router) }
    _ = larder_igd_unmap(router, 0, UInt32(mapping.udpPort))
    _ = larder_igd_unmap(router, 1, UInt32(mapping.tcpPort))
  }

  /// ConflictInMappingEntry: the outer port is another host's.
  private static let conflict: Int32 = 718
  /// OnlyPermanentLeasesSupported.
  private static let onlyPermanent: Int32 = 725

  /// Maps both protocols or none; 0, or the router's error number.
  private func map(
    _ router: UnsafeMutablePointer<larder_igd>, _ outer: UInt16, _ port: UInt16,
    _ lifetime: Duration
  ) -> Int32 {
    let seconds = UInt32(clamping: lifetime.components.seconds)
    for isTCP: Int32 in [0, 1] {
      var status = larder_igd_map(router, isTCP, UInt32(outer), UInt32(port), seconds)
      if status == Self.onlyPermanent {
        status = larder_igd_map(router, isTCP, UInt32(outer), UInt32(port), 0)
      }
      guard status != 0 else { continue }
      if isTCP == 1 { _ = larder_igd_unmap(router, 0, UInt32(outer)) }
      return status
    }
    return 0
  }

  private func address(
    of router: UnsafeMutablePointer<larder_igd>
  ) throws(PortMappingError) -> IPAddress {
    var buffer = [CChar](repeating: 0, count: 64)
    let status = larder_igd_address(router, &buffer)
    guard status == 0 else { throw .refused(status) }
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let ip = IPAddress(text), !ip.isUnspecified else { throw .malformed(text) }
    return ip
  }
}
