public import Wire

/// The relays at which a node that others don't reach is registered, so that others find it there.
public struct RelayPlaces: Sendable {
  private enum State: Sendable, Equatable {
    /// Asked so many times, the last time then.
    case asking(tries: Int, at: Instant)
    /// It answered then, and was last asked then.
    case kept(at: Instant, asked: Instant)
    /// It said no or nothing: it is left in peace until then.
    case resting(until: Instant)
  }

  /// Registered at so many at once.
  public static let wanted = 2
  /// The relays of which something is remembered.
  static let capacity = 32
  private static let renewal = Duration.seconds(30)
  private static let life = Duration.seconds(90)
  private static let retry = Duration.seconds(1)
  private static let tries = 4
  private static let refusalRest = Duration.seconds(600)
  private static let silenceRest = Duration.seconds(60)

  private var states: [RelayDesk.Party: State] = [:]
  private var token: UInt64 = 0

  /// Registered nowhere.
  public init() {}

  /// Where the node is registered now, in a stable order.
  public func kept(now: Instant) -> [RelayDesk.Party] {
    let parties = states.filter { entry in
      if case .kept(let at, _) = entry.value { now - at < Self.life } else { false }
    }
    return parties.keys.sorted { $0.key < $1.key }
  }

  /// Says whom to send a registration now; `candidates` are the relays to choose from, the best first.
  /// An empty list ends what there is.
  public mutating func step(
    _ candidates: [RelayDesk.Party], fresh: UInt64, now: Instant
  ) -> [RelayDesk.Sending] {
    if token == 0 { token = max(1, fresh) }
    let known = Set(candidates.prefix(Self.capacity))
    states = states.filter { known.contains($0.key) }
    var sendings: [RelayDesk.Sending] = []
    var places = 0
    for party in candidates.prefix(Self.capacity) {
      guard places < Self.wanted || states[party] != nil else { continue }
      switch states[party] {
      case nil where places < Self.wanted:
        states[party] = .asking(tries: 1, at: now)
        sendings.append(sending(party))
        places += 1
      case .asking(let tries, let at):
        places += 1
        guard now - at >= Self.retry else { continue }
        guard tries < Self.tries else {
          states[party] = .resting(until: now + Self.silenceRest)
          places -= 1
          continue
        }
        states[party] = .asking(tries: tries + 1, at: now)
        sendings.append(sending(party))
      case .kept(let at, let asked):
        guard places < Self.wanted else {
          states[party] = nil
          continue
        }
        places += 1
        if now - at >= Self.life {
          states[party] = .asking(tries: 1, at: now)
          sendings.append(sending(party))
        } else if now - asked >= (now - at > Self.renewal * 3 / 2 ? Self.retry : Self.renewal) {
          states[party] = .kept(at: at, asked: now)
          sendings.append(sending(party))
        }
      case .resting(let until):
        if until <= now { states[party] = nil }
      case nil: break
      }
    }
    return sendings
  }

  /// Takes in what a relay answered to a registration; whether the places changed.
  public mutating func receive(
    _ message: RelayMessage, from party: RelayDesk.Party, now: Instant
  ) -> Bool {
    guard let state = states[party] else { return false }
    switch message {
    case .registered(token):
      states[party] = .kept(at: now, asked: now)
      if case .kept = state { return false }
      return true
    case .refuse(token, _):
      states[party] = .resting(until: now + Self.refusalRest)
      if case .kept = state { return true }
      return false
    default: return false
    }
  }

  /// Whether a relay may offer ways to this node: it is registered there.
  public func admits(_ party: RelayDesk.Party, now: Instant) -> Bool {
    if case .kept(let at, _) = states[party] { now - at < Self.life } else { false }
  }

  private func sending(_ party: RelayDesk.Party) -> RelayDesk.Sending {
    RelayDesk.Sending(message: .register(token: token), party: party)
  }
}
