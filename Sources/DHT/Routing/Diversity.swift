import Wire

/// Counts how many of a set come from one network, so that one owner of many addresses can't fill it.
///
/// Global addresses: 1 a /24 and 2 a /16 (IPv6: /48 and /32). Others are free: whoever has many
/// private addresses is in our own network already, and one machine runs many nodes on loopback.
struct Diversity: Sendable {
  /// The networks of one global address, as numbers.
  struct Networks: Sendable {
    let narrow: UInt64
    let broad: UInt64

    /// The networks of a contact; nil if its address is not global.
    init?(_ contact: Contact) {
      guard contact.isGlobal else { return nil }
      switch contact.address.ip {
      case .v4(let value):
        narrow = UInt64(value >> 8)
        broad = UInt64(value >> 16)
      case .v6(let high, _):
        // Global IPv6 has its highest bits at 001, so these never equal a number of IPv4.
        narrow = high & ~0xFFFF
        broad = high & ~0xFFFF_FFFF
      }
    }
  }

  private var networks: [Networks] = []

  /// Counts a contact in if it keeps the caps; whether it did.
  mutating func admit(_ contact: Contact) -> Bool {
    guard let one = Networks(contact) else { return true }
    var wide = 0
    for other in networks where other.broad == one.broad {
      if other.narrow == one.narrow { return false }
      wide += 1
    }
    guard wide < 2 else { return false }
    networks.append(one)
    return true
  }
}
