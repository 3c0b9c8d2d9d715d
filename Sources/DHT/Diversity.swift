import Wire

/// Counts how many of a set come from one network, so that one owner of many addresses can't fill it.
///
/// Global addresses: 1 a /24 and 2 a /16 (IPv6: /48 and /32). Others are free: whoever has many
/// private addresses is in our own network already, and one machine runs many nodes on loopback.
struct Diversity: Sendable {
  private var near: [IPAddress: Int] = [:]
  private var wide: [IPAddress: Int] = [:]

  /// Whether one more from this address keeps the caps.
  func admits(_ address: Address) -> Bool {
    guard let (narrow, broad) = Self.networks(address.ip) else { return true }
    return near[narrow, default: 0] < 1 && wide[broad, default: 0] < 2
  }

  /// Counts an address in.
  mutating func add(_ address: Address) {
    guard let (narrow, broad) = Self.networks(address.ip) else { return }
    near[narrow, default: 0] += 1
    wide[broad, default: 0] += 1
  }

  /// The two networks of a global address; nil for others.
  private static func networks(_ ip: IPAddress) -> (IPAddress, IPAddress)? {
    guard ip.isGlobal else { return nil }
    switch ip {
    case .v4: return (ip.network(24), ip.network(16))
    case .v6: return (ip.network(48), ip.network(32))
    }
  }

  /// Whether these two share the network that has room for one only.
  static func areNear(_ left: Address, _ right: Address) -> Bool {
    guard let (one, _) = networks(left.ip), let (other, _) = networks(right.ip) else {
      return false
    }
    return one == other
  }

  /// Whether these two share the network that has room for two only.
  static func areWide(_ left: Address, _ right: Address) -> Bool {
    guard let (_, one) = networks(left.ip), let (_, other) = networks(right.ip) else {
      return false
    }
    return one == other
  }
}
