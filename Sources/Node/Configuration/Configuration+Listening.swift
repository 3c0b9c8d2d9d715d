import Wire

extension Configuration.Listen {
  /// The address that is bound: IPv4's `0.0.0.0` for `::` on a machine without IPv6.
  var ip: IPAddress {
    guard let ip = IPAddress(address) else {
      preconditionFailure("the configuration let \(address) through")
    }
    return Self.listening(ip) {
      PortProbe.obstacle(to: Address(ip: .v6(0, 0), port: 0), .datagrams) == nil
    }
  }

  /// `ip`, or IPv4's own if no IPv6 is here to bind `::` with.
  static func listening(_ ip: IPAddress, hasIPv6: () -> Bool) -> IPAddress {
    guard ip == .v6(0, 0), !hasIPv6() else { return ip }
    return .v4(0)
  }
}
