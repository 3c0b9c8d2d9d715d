import Binhost
import PeerNetwork

extension Doctor {
  /// What kind of NAT this is, how others will reach the node, and what to do; `mapsPorts` is whether
  /// the daemon asks the router for a port.
  static func reach(_ status: StatusSnapshot, port: UInt16, mapsPorts: Bool) -> Finding {
    let reach = status.reach
    let subject = "reach"
    let seen = reach.observed.prefix(4).joined(separator: ", ")
    let near = reach.neighbours > 0 ? "; \(reach.neighbours) nodes of the local network" : ""
    switch ReachKind(rawValue: reach.kind) ?? .unknown {
    case .unknown:
      return .notice(
        subject, "nobody outside has told this node's address yet\(near)",
        do: "wait until peers answer; in a LAN alone there is nothing to do")
    case .open:
      return .ok(subject, "no NAT: others come to \(seen)\(near)")
    case .mapped:
      return .ok(
        subject,
        "behind a NAT whose router passes \(reach.mapped ?? "the port") on: "
          + "others come in there\(near)")
    case .cone:
      return .ok(subject, "behind a NAT that lets others in at \(seen)\(near)")
    case .firewalled:
      return .notice(
        subject, "no NAT, but nobody gets in at \(seen)\(near)",
        do: "let UDP and TCP port \(port) through the firewall")
    case .restricted:
      return .notice(
        subject,
        "behind a NAT that lets in only those to whom this node spoke (cone, restricted), as "
          + "\(seen)\(near): others come in by hole punching, \(relays(reach))",
        do: open(port, reach, mapsPorts))
    case .symmetric:
      return .notice(
        subject,
        "behind a symmetric NAT, another port for each peer: \(seen)\(near): others come in by "
          + "hole punching unless their NAT looks at ports too, \(relays(reach))",
        do: open(port, reach, mapsPorts))
    }
  }

  private static func relays(_ reach: StatusSnapshot.Reach) -> String {
    reach.relays.isEmpty
      ? "and no relay is known for those who don't"
      : "else by relay: \(reach.relays.joined(separator: ", "))"
  }

  private static func open(
    _ port: UInt16, _ reach: StatusSnapshot.Reach, _ mapsPorts: Bool
  ) -> String {
    let router =
      switch (reach.mapped, reach.mappingProblem) {
      case (let mapped?, _): "the router maps \(mapped), which is behind another NAT; "
      case (nil, let problem?):
        "port mapping: \(problem); turn NAT-PMP or UPnP on in the router, or "
      case (nil, nil) where mapsPorts: "the router has not answered yet; or "
      case (nil, nil): "set listen.port-mapping, or "
      }
    return router
      + "forward UDP and TCP port \(port) to this machine and name the outer address in "
      + "listen.advertise. Fetching works without"
  }
}
