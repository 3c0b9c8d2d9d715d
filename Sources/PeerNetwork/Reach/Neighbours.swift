import Cryptography
import Synchronization
public import Wire

/// The nodes of the local network, as their beacons tell; shared by who looks for peers.
public final class Neighbours: Sendable {
  private let heard = Mutex<[Cryptography.PublicKey: BeaconLedger.Neighbour]>([:])

  /// Nobody, until a beacon is heard.
  public init() {}

  /// How many nodes were heard lately.
  public var count: Int { heard.withLock { $0.count } }

  /// Where a node of the local network takes streams; nil for any other.
  func address(of key: Cryptography.PublicKey) -> Address? {
    heard.withLock { $0[key] }.map { Address(ip: $0.ip, port: $0.tcpPort) }
  }

  /// Whether an address is of the local network: this machine, a private or link-local one, or one
  /// from which a neighbour's beacon came.
  ///
  /// What a carrier shares among its customers (RFC 6598) is not local.
  public func isLocal(_ ip: IPAddress) -> Bool {
    if ip.isLoopback || ip.isOfSite { return true }
    return heard.withLock { known in known.values.contains { $0.ip == ip } }
  }

  /// The providers with those of the local network first; their address there is tried first.
  public func order(_ providers: [TransferService.Provider]) -> [TransferService.Provider] {
    var near: [TransferService.Provider] = []
    var far: [TransferService.Provider] = []
    for provider in providers {
      guard let address = address(of: provider.key) else {
        far.append(provider)
        continue
      }
      let others = provider.addresses.filter { $0 != address }
      near.append(
        .init(key: provider.key, addresses: [address] + others, relays: provider.relays))
    }
    return near + far
  }

  /// Takes the ledger's neighbours.
  func replace(with neighbours: [BeaconLedger.Neighbour]) {
    let byKey = Dictionary(neighbours.map { ($0.key, $0) }) { first, _ in first }
    heard.withLock { $0 = byKey }
  }
}

extension IPAddress {
  /// Whether the address is private (RFC 1918), unique local (RFC 4193) or link-local.
  var isOfSite: Bool {
    let networks: [(network: IPAddress, length: Int)] =
      switch self {
      case .v4:
        [
          (.v4(0x0A00_0000), 8), (.v4(0xAC10_0000), 12), (.v4(0xC0A8_0000), 16),
          (.v4(0xA9FE_0000), 16),
        ]
      case .v6: [(.v6(0xFC00_0000_0000_0000, 0), 7), (.v6(0xFE80_0000_0000_0000, 0), 10)]
      }
    return networks.contains { network($0.length) == $0.network }
  }

  /// Whether no other host can use the address to reach this one: loopback or unspecified.
  var isUnspecified: Bool {
    switch self {
    case .v4(let value): value == 0
    case .v6(let high, let low): high == 0 && low == 0
    }
  }
}
