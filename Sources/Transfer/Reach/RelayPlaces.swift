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
  private static let retry = Duration.seconds(1)
  private static let tries = 4
  private static let refusalRest = Duration.seconds(600)
  private static let silenceRest = Duration.seconds(60)

  private var states: [RelayDesk.Party: State] = [:]
  private var token: UInt64 = 0
  /// Relays that have seen the cookie which they sent since they were last asked.
  private var shown: Set<RelayDesk.Party> = []
  private let renewal: Duration
  private var life: Duration { renewal * 3 }
  /// After so long without an answer a place is looked for that may take its place.
  private var doubt: Duration { renewal * 3 / 2 }

  /// Registered nowhere; each registration is renewed so often.
  public init(renewal: Duration = .seconds(30)) {
    self.renewal = renewal
  }

  /// Where the node is registered now, no more than `wanted`, in a stable order.
  public func kept(now: Instant) -> [RelayDesk.Party] {
    var found: [(party: RelayDesk.Party, at: Instant)] = []
    for (party, state) in states {
      if case .kept(let at, _) = state, now - at < life { found.append((party, at)) }
    }
    if found.count > Self.wanted { found.sort { $0.at > $1.at } }
    return found.prefix(Self.wanted).map(\.party).sorted { $0.key < $1.key }
  }

  /// Whether an answer is waited for, so that `step` is due within a second.
  public var isAsking: Bool {
    states.values.contains { if case .asking = $0 { true } else { false } }
  }

  /// Says whom to send a registration now; `candidates` are the relays to choose from, the best first.
  ///
  /// Who answers stays, whether or not better ones come up or it is a candidate any more, so that what
  /// is announced seldom changes. An empty list ends what there is.
  public mutating func step(
    _ candidates: [RelayDesk.Party], fresh: UInt64, now: Instant
  ) -> [RelayDesk.Sending] {
    if token == 0 { token = max(1, fresh) }
    guard !candidates.isEmpty else {
      states = [:]
      return []
    }
    let known = Set(candidates.prefix(Self.capacity))
    states = states.filter { entry in
      if case .kept = entry.value { true } else { known.contains(entry.key) }
    }
    var sendings: [RelayDesk.Sending] = []
    for party in states.keys.sorted(by: { $0.key < $1.key }) {
      if isDue(party, now) { sendings.append(sending(party)) }
    }
    var places = firm(now).count
    for party in candidates.prefix(Self.capacity) {
      if case .asking = states[party] { places += 1 }
    }
    for party in candidates.prefix(Self.capacity) where places < Self.wanted {
      guard states[party] == nil else { continue }
      states[party] = .asking(tries: 1, at: now)
      sendings.append(sending(party))
      places += 1
    }
    return sendings
  }

  /// Moves a relay on to what it is now; whether it is to be asked.
  private mutating func isDue(_ party: RelayDesk.Party, _ now: Instant) -> Bool {
    switch states[party] {
    case .asking(let tries, let at):
      guard now - at >= Self.retry else { return false }
      guard tries < Self.tries else {
        states[party] = .resting(until: now + Self.silenceRest)
        return false
      }
      states[party] = .asking(tries: tries + 1, at: now)
      return true
    case .kept(let at, let asked):
      guard now - at < life else {
        states[party] = .resting(until: now + Self.silenceRest)
        return false
      }
      guard now - asked >= (now - at > doubt ? Self.retry : renewal) else {
        return false
      }
      states[party] = .kept(at: at, asked: now)
      return true
    case .resting(let until):
      if until <= now { states[party] = nil }
      return false
    case nil: return false
    }
  }

  /// The places that answered of late.
  private func firm(_ now: Instant) -> [RelayDesk.Party] {
    states.keys.filter { party in
      if case .kept(let at, _) = states[party] { now - at <= doubt } else { false }
    }
  }

  /// Takes in what a relay answered to a registration; whether the places changed.
  public mutating func receive(
    _ message: RelayMessage, from party: RelayDesk.Party, now: Instant
  ) -> Bool {
    guard let state = states[party] else { return false }
    switch (message, state) {
    case (.registered(token), .kept(_, let asked)):
      states[party] = .kept(at: now, asked: asked)
      return false
    case (.registered(token), .asking(_, let asked)):
      let firm = firm(now)
      guard firm.count < Self.wanted else {
        // The one that it was to stand in for is back.
        states[party] = nil
        return false
      }
      states[party] = .kept(at: now, asked: asked)
      // Only now may what is silent go, if there are enough without it.
      guard firm.count + 1 == Self.wanted else { return true }
      states = states.filter { entry in
        if case .kept = entry.value { entry.key == party || firm.contains(entry.key) } else { true }
      }
      return true
    case (.refuse(token, _), _):
      states[party] = .resting(until: now + Self.refusalRest)
      if case .kept = state { return true }
      return false
    default: return false
    }
  }

  /// A relay wants to see the cookie that it has just sent: what is sent again, once for each asking.
  public mutating func again(to party: RelayDesk.Party, token: UInt64) -> RelayDesk.Sending? {
    guard token == self.token, states[party] != nil else { return nil }
    if case .resting = states[party] { return nil }
    guard shown.insert(party).inserted else { return nil }
    return RelayDesk.Sending(message: .register(token: token), party: party)
  }

  /// Whether a relay may offer ways to this node: it is registered there.
  public func admits(_ party: RelayDesk.Party, now: Instant) -> Bool {
    if case .kept(let at, _) = states[party] { now - at < life } else { false }
  }

  private mutating func sending(_ party: RelayDesk.Party) -> RelayDesk.Sending {
    shown.remove(party)
    return RelayDesk.Sending(message: .register(token: token), party: party)
  }
}
