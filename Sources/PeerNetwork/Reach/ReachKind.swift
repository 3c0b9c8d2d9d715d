public import Wire

/// What stands between this node and those who want to begin a conversation with it.
public enum ReachKind: String, Sendable, CaseIterable {
  /// Nobody outside the local network has told us our address.
  case unknown
  /// Nothing: our address is that of this machine.
  case open
  /// No NAT, but others don't get in.
  case firewalled
  /// A NAT whose router passes our port on.
  case mapped
  /// A NAT that has one outer port for us and lets everybody in there, or a port forwarded by hand.
  case cone
  /// A NAT that has one outer port for us and lets in only those to whom we spoke.
  case restricted
  /// A NAT with another outer port for each whom we speak to.
  case symmetric

  /// The kind that follows from this machine's own addresses, from what others see of us, from what
  /// the router maps, and from whether others began to speak to us (nil if that is not known).
  /// `observed` has one address an observer.
  ///
  /// With one observer alone a symmetric NAT looks like a restricted one (RFC 5780 §4.3 needs two).
  public init(
    own: [IPAddress], observed: [Address], mapping: PortMapping?, isReached: Bool?
  ) {
    let outside = observed.filter { !$0.ip.isOfSite && !$0.ip.isLoopback }
    guard !outside.isEmpty else {
      self = mapping?.isPublic == true ? .mapped : .unknown
      return
    }
    if outside.contains(where: { own.contains($0.ip) }) {
      self = isReached == false ? .firewalled : .open
      return
    }
    if mapping?.isPublic == true {
      self = .mapped
      return
    }
    if Self.isSymmetric(outside) {
      self = .symmetric
    } else {
      self = isReached == true ? .cone : .restricted
    }
  }

  /// Whether observers of one outer IP address see so many ports there that no port is what most of
  /// them see. One who lies, or who last saw us before the router forgot our port, is not enough.
  private static func isSymmetric(_ observed: [Address]) -> Bool {
    Dictionary(grouping: observed, by: \.ip).values.contains { group in
      let ports = Dictionary(grouping: group, by: \.port)
      return group.count > 1 && !ports.values.contains { $0.count * 2 > group.count }
    }
  }
}
