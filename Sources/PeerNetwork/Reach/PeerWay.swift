import Synchronization

/// By what way the packets of a connection go.
public enum PeerWay: UInt8, Sendable, CaseIterable {
  /// TLS over TCP.
  case tcp
  /// Datagrams to an address that is announced, or that the other side opened a stream from.
  case udp
  /// Datagrams to where the other side answered after both wrote to each other.
  case punched
  /// Datagrams to one of many ports that was hit by chance.
  case probed
  /// Datagrams that another node passes on.
  case relayed

  /// What it is called in logs, in metrics and on the status page.
  public var name: String {
    switch self {
    case .tcp: "direct by TCP"
    case .udp: "direct by UDP"
    case .punched: "punched"
    case .probed: "probed"
    case .relayed: "relayed"
    }
  }
}

/// The way of one connection, which may change while it stands.
final class WayMark: Sendable {
  private let value: Atomic<UInt8>

  init(_ way: PeerWay) {
    value = Atomic(way.rawValue)
  }

  /// The way now.
  var way: PeerWay {
    get { PeerWay(rawValue: value.load(ordering: .relaxed)) ?? .udp }
    set { value.store(newValue.rawValue, ordering: .relaxed) }
  }
}
