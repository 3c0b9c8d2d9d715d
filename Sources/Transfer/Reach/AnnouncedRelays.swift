public import Wire

/// The relays that a node's announcements name, and when others than those are worth announcing anew:
/// a relay that comes and goes must not have all of them published again and again.
public struct AnnouncedRelays: Sendable {
  private static let shortest = Duration.seconds(30)
  private static let usual = Duration.seconds(120)

  private var parties: Set<RelayDesk.Party> = []
  private var changed: Instant?

  /// None were announced.
  public init() {}

  /// Whether to announce anew, now that the node is registered at these: soon if none of those that are
  /// announced leads to it, and after a while if some do.
  public mutating func change(to relays: [RelayDesk.Party], now: Instant) -> Bool {
    let current = Set(relays)
    guard current != parties else { return false }
    if let changed {
      let wait = current.isDisjoint(with: parties) ? Self.shortest : Self.usual
      guard now - changed >= wait else { return false }
    }
    parties = current
    changed = now
    return true
  }
}
