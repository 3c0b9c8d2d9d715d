import Cryptography
public import Wire

/// Names of streams that ended lately: an OPEN that comes again while the cookie in it lasts opens
/// nothing.
///
/// They stand in two generations and are remembered for as long as a cookie lasts, or less if many end.
public struct RecentSessions<Name: Hashable & Sendable>: Sendable {
  /// As long as a cookie is valid, in its own epoch and the next.
  public static var span: Duration { AddressCookie.epoch * 2 }
  /// Names of one generation.
  static var limit: Int { 1_024 }

  private var young: Set<Name> = []
  private var old: Set<Name> = []
  private var turned = Instant.zero

  /// Nobody yet.
  public init() {}

  /// The names that are remembered.
  public var count: Int { young.count + old.count }

  /// Remembers a name from now on.
  public mutating func insert(_ name: Name, now: Instant) {
    pass(to: now)
    if young.count >= Self.limit { turn(now) }
    young.insert(name)
  }

  /// Whether a name is remembered.
  public mutating func contains(_ name: Name, now: Instant) -> Bool {
    pass(to: now)
    return young.contains(name) || old.contains(name)
  }

  private mutating func pass(to now: Instant) {
    guard now - turned >= Self.span else { return }
    if now - turned >= Self.span * 2 { young = [] }
    turn(now)
  }

  private mutating func turn(_ now: Instant) {
    old = young
    young = []
    turned = now
  }
}
