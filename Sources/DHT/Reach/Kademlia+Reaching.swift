import Cryptography
import Wire

/// Dial-back: a node takes no place in the tables of others before others could begin a conversation
/// with it.
///
/// At REACH a node has another one, which the asker has hardly written to, send the asker a PING, or
/// sends it itself once the asker's NAT has forgotten that it was written to. What tells is the request that arrives out of the blue, not what anybody says of it.
extension Kademlia {
  /// Whether this node is a client for another one: by configuration, or for those on the internet
  /// until enough of them have reached it. Within one site nothing stands between.
  func isClient(for contact: Contact) -> Bool {
    isLeaving || isUnreached(for: contact)
  }

  /// The same but for going: what is kept counts until it is handed on.
  func isUnreached(for contact: Contact) -> Bool {
    settings.isClient || (provesReach && contact.isGlobal && !reach.isReached)
  }

  /// Whether others can begin a conversation with this node: true once they did, false when nobody did
  /// though asked to, nil while that is not known; nil as well for a node that serves without proof.
  public var isReached: Bool? {
    guard provesReach, !settings.isClient else { return nil }
    return reach.isReached ? true : reach.hasFailed ? false : nil
  }

  /// Lets the node serve others without proof that they reach it: seeders and bootstrap peers.
  public mutating func serveAlways() {
    provesReach = false
  }

  /// Notes that a request came, which may show that others reach us.
  mutating func noteArrival(from contact: Contact, _ step: inout Step) {
    guard provesReach else { return }
    let known = reach.isReached ? 0 : networksKnown
    if reach.heard(from: contact.address, networksKnown: known, now: step.now) {
      // Those who will share our records learn of us by a look-up of our own place.
      nextNeighbourhood = step.now
      nextUpkeep = step.now
    }
  }

  /// The networks of the contacts, at most three.
  private var networksKnown: Int {
    var found: Set<UInt64> = []
    for entry in table.entries where entry.isLive {
      guard let networks = Diversity.Networks(entry.contact) else { continue }
      found.insert(networks.narrow)
      if found.count == 3 { break }
    }
    return found.count
  }

  /// Asks three nodes of different networks to have others write to us.
  mutating func askToBeReached(_ step: inout Step) {
    guard provesReach, table.answeringCount > 0 else { return }
    let round = reach.round(now: step.now)
    guard round != .none else { return }
    let place = Bytes32.random(using: &step.random)
    let helpers = table.closest(to: place, count: 3).filter(\.isGlobal)
    for helper in helpers where budget.admits(helper.address, now: step.now) {
      call(helper, .reach(nil, isLater: round == .later), .reach, &step)
    }
  }

  /// Serves REACH: finds somebody to write to the asker, or writes to whom another node names.
  mutating func answerReach(
    _ target: Contact?, isLater: Bool, from origin: Origin, _ step: inout Step
  ) -> Message.Body {
    // Without a proven address anybody could point us at somebody else.
    guard origin.isProven, origin.contact.isGlobal, !isClient(for: origin.contact) else {
      return .reaching(isAsked: false)
    }
    if let target {
      guard target.isGlobal, target.key != key, table.entry(of: origin.contact)?.isLive ?? false,
        dialLimit.admits(target.address.ip, now: step.now), !isBeingAsked(target)
      else { return .reaching(isAsked: false) }
      return .reaching(isAsked: call(target, .ping, .dial, &step))
    }
    guard reachLimit.admits(origin.contact.address.ip, now: step.now) else {
      return .reaching(isAsked: false)
    }
    let place = Bytes32.random(using: &step.random)
    let own = Diversity.Networks(origin.contact)?.narrow
    let dialer = table.closest(to: place, count: 4).first {
      $0.isGlobal && $0.key != origin.contact.key && Diversity.Networks($0)?.narrow != own
    }
    if let dialer, !isLater {
      let wish = Message.Body.reach(origin.contact, isLater: false)
      return .reaching(isAsked: call(dialer, wish, .reach, &step))
    }
    // Nobody else is known, or all others were written to of late: we write ourselves, once the asker's NAT has forgotten us.
    guard dials.count < Self.dialsWaiting, !dials.values.contains(origin.contact) else {
      return .reaching(isAsked: false)
    }
    lastDial += 1
    dials[lastDial] = origin.contact
    schedule(.dial(lastDial), at: step.now + Reach.dialDelay)
    return .reaching(isAsked: true)
  }

  /// Asks once more who refused: perhaps for want of a cookie, which the refusal brought.
  mutating func takeReaching(_ body: Message.Body, of call: Call, _ step: inout Step) {
    guard case .reaching(isAsked: false) = body, !call.hasRetriedCookie else { return }
    self.call(call.contact, call.body, .reach, hasRetriedCookie: true, &step)
  }

  /// Dials that wait for their time.
  private static let dialsWaiting = 256

  mutating func dial(_ number: UInt64, _ step: inout Step) {
    guard let contact = dials.removeValue(forKey: number), !isBeingAsked(contact) else { return }
    call(contact, .ping, .dial, &step)
  }
}
