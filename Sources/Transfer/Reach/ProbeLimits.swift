public import Cryptography
public import Wire

/// How often ports are tried with others, whoever wishes it: each try costs this node's router a few
/// hundred flows, and a relay that lies about where a node is aims it at somebody else.
public struct ProbeLimits: Sendable {
  /// The time from one try to the next.
  static let pause = Duration.seconds(20)
  /// The time that is looked back.
  static let span = Duration.seconds(3_600)
  /// The tries of that time in all, with one node, and at one IPv4 address or IPv6 network of 64 bits.
  static let total = 20
  static let ofKey = 3
  static let ofTarget = 3
  /// The time from a node's first try to its second; four times as long to the third.
  static let firstWait = Duration.seconds(60)

  private struct Try: Sendable {
    let key: PublicKey
    let target: IPAddress
    let at: Instant
  }

  private var tries: [Try] = []

  /// Nothing was tried yet.
  public init() {}

  /// Whether a try may begin now; if so it counts.
  public mutating func begin(with key: PublicKey, at ip: IPAddress, now: Instant) -> Bool {
    tries.removeAll { now - $0.at >= Self.span }
    let target = ip.place
    guard tries.count < Self.total, tries.last.map({ now - $0.at >= Self.pause }) ?? true,
      tries.count(where: { $0.target == target }) < Self.ofTarget
    else { return false }
    let own = tries.filter { $0.key == key }
    guard own.count < Self.ofKey else { return false }
    if let last = own.last {
      let wait = own.count == 1 ? Self.firstWait : Self.firstWait * 4
      guard now - last.at >= wait else { return false }
    }
    tries.append(Try(key: key, target: target, at: now))
    return true
  }
}
