public import Cryptography
public import Wire

/// The asking side of a relayed way, until one of the relays grants it.
public struct RelayCaller: Sendable {
  /// What became of it.
  public enum Outcome: Equatable, Sendable {
    /// This relay passes on what is sent to it for this slot; it sees the other end at this address.
    case granted(RelayDesk.Party, slot: UInt64, peer: Address)
    /// All refused, with the last reason; nil if one was silent.
    case failed(RelayMessage.Refusal?)
  }

  private static let firstWait = Duration.milliseconds(250)
  private static let attemptLimit = 4
  /// The relays that are asked at the same time.
  public static let width = 4

  /// The number by which the relays' answers are known.
  public let token: UInt64
  /// The node to reach.
  public let peer: PublicKey
  private var open: [RelayDesk.Party]
  private var attempts = 0
  private var sentAt = Instant.zero
  private var lastRefusal: RelayMessage.Refusal?
  private var repeated: Set<RelayDesk.Party> = []

  /// Asks these relays for a way to a node; `token` is random.
  public init(token: UInt64, peer: PublicKey, relays: [RelayDesk.Party]) {
    self.token = token
    self.peer = peer
    open = Array(relays.prefix(Self.width))
  }

  /// When `tick` is due.
  public var nextDeadline: Instant {
    attempts == 0 ? .zero : sentAt + Self.firstWait * (1 << min(attempts - 1, 2))
  }

  /// Says whom to ask now, or that it is over.
  public mutating func tick(now: Instant) -> (sendings: [RelayDesk.Sending], outcome: Outcome?) {
    guard !open.isEmpty else { return ([], .failed(lastRefusal)) }
    guard attempts == 0 || now >= nextDeadline else { return ([], nil) }
    guard attempts < Self.attemptLimit else { return ([], .failed(nil)) }
    attempts += 1
    sentAt = now
    return (open.map { sending($0) }, nil)
  }

  /// Takes in a relay's answer; the outcome, if that is the end.
  public mutating func receive(
    _ message: RelayMessage, from party: RelayDesk.Party
  ) -> Outcome? {
    guard open.contains(party) else { return nil }
    switch message {
    case .grant(token, let slot, let address): return .granted(party, slot: slot, peer: address)
    case .refuse(token, let reason):
      open.removeAll { $0 == party }
      lastRefusal = reason
      return open.isEmpty ? .failed(reason) : nil
    default: return nil
    }
  }

  /// A relay wants to see the cookie that it has just sent; what is sent again, once to each.
  public mutating func again(to party: RelayDesk.Party) -> RelayDesk.Sending? {
    guard open.contains(party), repeated.insert(party).inserted else { return nil }
    return sending(party)
  }

  private func sending(_ party: RelayDesk.Party) -> RelayDesk.Sending {
    RelayDesk.Sending(message: .ask(token: token, peer: peer), party: party)
  }
}
