import Cryptography
import Wire

/// Rendezvous: two nodes behind NATs find each other through a node that both know.
///
/// A client keeps a way open to the three servers nearest to its own place. Who wants to reach it looks
/// for that place and asks them for PUNCH; each tells both sides the other's address as it sees it,
/// and both send to each other at the same time, three times, so that each NAT takes the other's
/// datagram for an answer (RFC 5128 §3.3).
extension Kademlia {
  /// One attempt to reach a node, on either side.
  struct Punch: Sendable {
    let peer: PublicKey
    /// The request of ours that waits for it.
    let request: RequestID?
    /// Where the peer may be.
    var addresses: [Address] = []
    var tries = 0
    /// Pings sent because the peer's came.
    var echoes = 0
    /// Rendezvous nodes that have not answered.
    var waiting = 0
  }

  private static let rendezvousCount = 3
  private static let rendezvousPause = Duration.seconds(20)
  /// More than keep the way open: what two nodes know of a place differs a little.
  private static let askedCount = 8
  private static let punchTries = 3
  private static let punchInterval = Duration.milliseconds(250)
  /// Attempts at once, those that others asked for included.
  private static let punchesAtOnce = 16
  /// Addresses of one peer that are told, and with those that it writes from.
  private static let addressesTold = 2
  private static let addressesOfPeer = 4

  /// Keeps the way open by which others can tell us that somebody wants to reach us.
  mutating func keepRendezvous(_ step: inout Step) {
    guard provesReach, reach.isSilent(now: step.now) || !reach.isReached else { return }
    // Who is reached needs no rendezvous, but its NAT, if it has one, must not forget it. While few may
    // be written to, one rendezvous must do.
    let isFrugal = reach.isReached || reach.isQuiet(now: step.now)
    let count = isFrugal ? 1 : Self.rendezvousCount
    for contact in table.closest(to: id.bytes, count: count) where contact.isGlobal {
      if let entry = table.entry(of: contact), step.now - entry.lastReply < Self.rendezvousPause {
        continue
      }
      check(contact, &step)
    }
  }

  /// Notes that a client wrote to us, if it is near enough to choose us as its rendezvous.
  mutating func welcome(_ origin: Origin, _ step: inout Step) {
    guard origin.isProven, origin.contact.isGlobal else { return }
    let distance = origin.contact.id.bytes.words.0 ^ id.bytes.words.0
    // Twice as far as one of the nearest four is with any likelihood.
    guard sizeEstimate < 64 || distance <= radius(times: 2) else { return }
    guests.add(origin.contact, now: step.now)
  }

  /// Asks the servers nearest to a client's place to tell it of us.
  mutating func beginPunch(_ peer: PublicKey, _ query: Query, _ step: inout Step) {
    let near = query.searches.first?.lookup.closestAnswered(Self.askedCount) ?? []
    if let contact = near.first(where: { $0.key == peer }) {
      step.actions.append(.finished(query.id, .contacts([contact])))
      return
    }
    var punch = Punch(peer: peer, request: query.id)
    let number = query.id.number
    guard !near.isEmpty, punches.count < Self.punchesAtOnce else {
      step.actions.append(.finished(query.id, .contacts([])))
      return
    }
    for contact in near {
      let known = table.roundTrip(to: contact).flatMap { $0.isUnknown ? nil : $0.mean }
      let wish = PunchRequest(peer: peer, address: nil, roundTrip: known ?? .zero)
      if call(contact, .punch(wish), .rendezvous(number), &step) { punch.waiting += 1 }
    }
    punches[number] = punch
    endPunchIfVain(number, &step)
  }

  /// Serves PUNCH: at the node in the middle, or at the node that somebody wants to reach.
  mutating func answerPunch(
    _ wish: PunchRequest, from origin: Origin, _ step: inout Step
  ) -> Message.Body {
    guard origin.contact.isGlobal else { return .punching(nil) }
    guard let address = wish.address else {
      // Only to who keeps a way open through us, and only the address that a cookie proves.
      guard origin.isProven, let guest = guests.contact(of: wish.peer, now: step.now),
        punchLimit.admits(Self.pair(origin.contact.address, wish.peer), now: step.now)
      else { return .punching(nil) }
      let told = PunchRequest(
        peer: origin.contact.key, address: origin.contact.address, roundTrip: wish.roundTrip)
      call(guest, .punch(told), .relay, &step)
      return .punching(guest.address)
    }
    // Only nodes that we chose may point us at an address, and not often.
    guard provesReach, wish.peer != key, address.ip.isGlobal, punches.count < Self.punchesAtOnce,
      let entry = table.entry(of: origin.contact), entry.isLive, entry.contact == origin.contact
    else { return .punching(nil) }
    if !punches.values.contains(where: { $0.peer == wish.peer }),
      punchLimit.admits(Self.pair(address, wish.peer), now: step.now)
    {
      let number = newRequestID().number
      punches[number] = Punch(peer: wish.peer, request: nil, addresses: [address])
      // The other side hears half of its round trip after the node in the middle sent this, we half
      // of ours: who hears it first waits.
      let own = table.roundTrip(to: origin.contact).map(\.mean) ?? .zero
      let wait = max(.zero, (min(wish.roundTrip, Self.longestWait) - own) / 2)
      schedule(.punch(number), at: step.now + wait)
    }
    return .punching(nil)
  }

  private static let longestWait = Duration.seconds(2)

  /// An asker's address and the node that it names, as one party of a limit: who wants to reach many is
  /// not held up by the first.
  private static func pair(_ address: Address, _ peer: PublicKey) -> IPAddress {
    switch address.ip {
    case .v4(let value): .v6(UInt64(value), peer.prefix)
    case .v6(let high, let low): .v6(high ^ low.byteSwapped, peer.prefix)
    }
  }

  /// Takes what the node in the middle said; with an address, fires.
  mutating func takeRendezvous(_ number: UInt64, _ address: Address?, _ step: inout Step) {
    guard var punch = punches[number] else { return }
    punch.waiting -= 1
    if let address, address.ip.isGlobal, !punch.addresses.contains(address),
      punch.addresses.count < Self.addressesTold
    {
      punch.addresses.append(address)
    }
    punches[number] = punch
    // The peer's own datagram may have come before this.
    if punch.tries == 0, !punch.addresses.isEmpty { fire(number, &step) }
    endPunchIfVain(number, &step)
  }

  /// Sends to wherever the peer may be, and again a little later.
  mutating func fire(_ number: UInt64, _ step: inout Step) {
    guard var punch = punches[number] else { return }
    punch.tries += 1
    punches[number] = punch
    guard punch.tries <= Self.punchTries else {
      // Time for the last answers, then it is over.
      return endPunch(number, with: nil, &step)
    }
    for address in punch.addresses {
      call(Contact(key: punch.peer, address: address), .ping, .punch(number), &step)
    }
    let pause = punch.tries < Self.punchTries ? Self.punchInterval : .seconds(1)
    schedule(.punch(number), at: step.now + pause)
  }

  /// Notes where a request of a peer that we try to reach came from: behind a symmetric NAT it comes
  /// from another port than the one that was told.
  mutating func noteAddress(of contact: Contact, _ step: inout Step) {
    guard !punches.isEmpty else { return }
    let found = punches.filter { $0.value.peer == contact.key }
    guard let number = found.keys.min(), var punch = punches[number] else { return }
    if !punch.addresses.contains(contact.address) {
      guard punch.addresses.count < Self.addressesOfPeer else { return }
      punch.addresses.append(contact.address)
    }
    // The way is open now: what was sent there before may not have got through.
    guard punch.echoes < Self.addressesOfPeer else { return }
    punch.echoes += 1
    punches[number] = punch
    call(contact, .ping, .punch(number), &step)
  }

  /// Ends an attempt; a request of ours that waits for it is told the contact that answered.
  mutating func endPunch(_ number: UInt64, with contact: Contact?, _ step: inout Step) {
    guard let punch = punches.removeValue(forKey: number), let request = punch.request else {
      return
    }
    step.actions.append(.finished(request, .contacts(contact.map { [$0] } ?? [])))
  }

  private mutating func endPunchIfVain(_ number: UInt64, _ step: inout Step) {
    guard let punch = punches[number], punch.waiting == 0, punch.addresses.isEmpty else { return }
    endPunch(number, with: nil, &step)
  }
}
