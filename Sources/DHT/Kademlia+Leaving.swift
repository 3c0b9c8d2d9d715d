import Cryptography
public import Wire

/// Going by intent: what the node keeps is handed on, and its contacts forget it at once instead of
/// finding out by requests that nobody answers.
extension Kademlia {
  /// Contacts that are told, the nearest first: it is they who would miss us soonest.
  private static let farewells = 128

  /// Begins to go: whoever will be among the nearest to a record of ours without us is asked what it
  /// lacks and is given that, and the contacts are told, which takes two round trips.
  ///
  /// From now on every message says that we are a client, which serves nobody. What still comes is
  /// answered.
  public mutating func leave(
    now: Instant, wall: Timestamp, using random: inout some RandomNumberGenerator
  ) -> [Action] {
    guard !isLeaving else { return [] }
    var step = Step(now: now, wall: wall, using: &random)
    isLeaving = true
    if !settings.isClient {
      repair(&step)
      for contact in table.closest(to: id.bytes, count: Self.farewells, isDiverse: false)
      where budget.admits(contact.address, now: now) {
        call(contact, .ping, .farewell, &step)
      }
    }
    return step.actions
  }

  /// Whether nobody is left to be told or given anything.
  public var hasLeft: Bool {
    guard isLeaving else { return false }
    return !calls.values.contains { call in
      switch call.purpose {
      case .compare, .repair, .farewell: true
      case .search, .store, .check, .liveness, .revival, .fill, .reach, .dial, .rendezvous, .relay,
        .punch:
        false
      }
    }
  }

  /// Says once more that we go: only a message with a cookie is believed, and the answer to the first
  /// brought one.
  mutating func repeatFarewell(_ call: Call, _ step: inout Step) {
    guard !call.hasRetriedCookie else { return }
    self.call(call.contact, .ping, .farewell, hasRetriedCookie: true, &step)
  }

  /// Forgets a node that serves nobody, and what others may still say of it.
  mutating func drop(_ contact: Contact, _ step: inout Step) {
    if table.remove(contact) { fallen.add(contact, now: step.now) }
  }
}
