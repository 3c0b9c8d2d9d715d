public import Wire

/// The ports that a router passes on to this node.
public struct PortMapping: Sendable, Equatable {
  /// How the router was asked.
  public enum Means: String, Sendable {
    /// RFC 6886.
    case natPMP = "NAT-PMP"
    /// UPnP Internet Gateway Device.
    case upnp = "UPnP"
  }

  /// How the router was asked.
  public var means: Means
  /// The router's outer address.
  public var ip: IPAddress
  /// The outer port of datagrams.
  public var udpPort: UInt16
  /// The outer port of streams.
  public var tcpPort: UInt16
  /// How long the router keeps it.
  public var lifetime: Duration

  /// Where streams from outside come in.
  public var address: Address { Address(ip: ip, port: tcpPort) }

  /// Whether the outer address is one that the whole internet reaches; else the router stands behind
  /// another NAT, and the mapping helps only those who are behind that as well.
  public var isPublic: Bool { ip.isGlobal }
}

/// Why no port is mapped.
public enum PortMappingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// No router answered.
  case noRouter
  /// The router said no, with the number of its error.
  case refused(Int32)
  /// The router's answer makes no sense.
  case malformed(String)
  /// The router's answer takes longer than anybody waits.
  case endless

  /// Some words for people.
  public var description: String {
    switch self {
    case .noRouter: "no router answers"
    case .refused(let status): "the router refuses (\(status))"
    case .endless: "the router's answer does not end"
    case .malformed(let text): "the router's answer is wrong: \(text.prefix(64))"
    }
  }
}

/// One way to ask a router for ports. Calls block for some seconds at most, and one is made at a time.
protocol PortMappingClient: Sendable {
  /// The protocol that is spoken.
  var means: PortMapping.Means { get }
  /// Maps the port of this machine for datagrams and streams, or renews that.
  ///
  /// The outer ports of `previous` are asked for first, else the same number as inside.
  func open(
    port: UInt16, previous: PortMapping?, lifetime: Duration
  ) throws(PortMappingError) -> PortMapping
  /// Ends what `open` made.
  func close(_ mapping: PortMapping, port: UInt16)
}
