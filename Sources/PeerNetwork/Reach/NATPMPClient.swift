import CNATPMP
import Wire

/// Asks the default gateway by NAT-PMP (RFC 6886).
struct NATPMPClient: PortMappingClient {
  /// How long one request may take, with its repetitions, in milliseconds.
  var patience: Int32 = 1_500

  var means: PortMapping.Means { .natPMP }

  func open(
    port: UInt16, previous: PortMapping?, lifetime: Duration
  ) throws(PortMappingError) -> PortMapping {
    var answer = larder_natpmp_answer()
    try check(larder_natpmp_address(patience, &answer))
    let bytes = withUnsafeBytes(of: answer.address) { Array($0) }
    guard let ip = IPAddress(bytes: bytes), !ip.isUnspecified else {
      throw .malformed("address \(bytes)")
    }
    let wanted = previous?.udpPort ?? port
    let udp = try map(port, to: wanted, isTCP: false, lifetime)
    // One number for both is best: then others know the one by the other.
    let tcp: larder_natpmp_answer
    do {
      tcp = try map(port, to: previous?.tcpPort ?? udp.port, isTCP: true, lifetime)
    } catch {
      _ = larder_natpmp_map(min(patience, 500), 0, port, 0, 0, &answer)
      throw error
    }
    return PortMapping(
      means: means, ip: ip, udpPort: udp.port, tcpPort: tcp.port,
      lifetime: .seconds(min(udp.seconds, tcp.seconds)))
  }

  func close(_ mapping: PortMapping, port: UInt16) {
    var answer = larder_natpmp_answer()
    for isTCP: Int32 in [0, 1] {
      _ = larder_natpmp_map(min(patience, 500), isTCP, port, 0, 0, &answer)
    }
  }

  private func map(
    _ port: UInt16, to outer: UInt16, isTCP: Bool, _ lifetime: Duration
  ) throws(PortMappingError) -> larder_natpmp_answer {
    var answer = larder_natpmp_answer()
    let seconds = UInt32(clamping: lifetime.components.seconds)
    try check(larder_natpmp_map(patience, isTCP ? 1 : 0, port, outer, seconds, &answer))
    guard answer.port != 0, answer.seconds > 0 else { throw .malformed("port \(answer.port)") }
    return answer
  }

  private func check(_ status: Int32) throws(PortMappingError) {
    switch status {
    case 0: return
    // It answers, but not to this protocol or not to us.
    case -54 ... -49, -15, -14: throw .refused(status)
    default: throw .noRouter
    }
  }
}
