import Cryptography
import Wire

/// Who is kept as a guest, and who gets a way.
extension RelayDesk {
  /// What an offer or a repeated answer counts for in the quotas: about the length of its datagram.
  static let messageCost = 160
  /// Answers to one pair's repeated asking in a second.
  private static let answersPerSecond = 4.0
  /// The addresses of which the asking is counted.
  private static let placeCapacity = 1_024

  mutating func keep(_ party: Party, _ now: Instant) -> Bool {
    guests = guests.filter { now - $0.value.heard < settings.guestLife }
    let known = guests[party.key]
    guard known != nil || guests.count < settings.guests else { return false }
    if known?.party.place != party.place {
      let neighbours = guests.values.count { $0.party.place == party.place }
      guard neighbours < settings.guestsPerAddress else { return false }
    }
    guests[party.key] = Guest(party: party, heard: now)
    return true
  }

  mutating func ask(
    _ token: UInt64, _ peer: PublicKey, from party: Party, _ fresh: UInt64, _ now: Instant
  ) -> [Sending] {
    guard peer != party.key, let guest = guests[peer] else {
      return [refuse(token, .unknownPeer, party)]
    }
    let known = slots.first { $0.value.asker.key == party.key && $0.value.guest.key == peer }
    // The answer or the offer was lost, or one of the two is at another address now.
    if let (number, slot) = known, slot.asker == party, slot.guest == guest.party {
      return answer(token, again: number, slot, now)
    }
    guard hasRoom(from: party, to: peer, instead: known?.key), slots[fresh] == nil else {
      return [refuse(token, .busy, party)]
    }
    // With next to nothing left a way would end before it is of any use.
    guard hasBytes(party, now), hasWorth(party, now),
      nodeQuotas.has(Self.worth(nodeQuotas.limit), of: peer, now: now)
    else {
      return [refuse(token, .overQuota, party)]
    }
    // Last, so that what is refused takes nothing from others.
    guard takeAsk(party.place, now) else { return [refuse(token, .busy, party)] }
    charge(Self.messageCost, to: party, now)
    let answers = Throttle(rate: Self.answersPerSecond, burst: Self.answersPerSecond, now: now)
    let slot = Slot(
      asker: party, guest: guest.party, token: token, heard: (now, now), answers: answers)
    slots[fresh] = slot
    guard let known else { return [offer(fresh, slot)] }
    slots[known.key] = nil
    return close(known.key, known.value, .done) + [offer(fresh, slot)]
  }

  /// Answers who asks again: a few times a second, and not for nothing.
  private mutating func answer(
    _ token: UInt64, again number: UInt64, _ slot: Slot, _ now: Instant
  ) -> [Sending] {
    guard slots[number]?.answers.take(now: now) ?? false else { return [] }
    guard hasBytes(slot.asker, now) else { return [refuse(token, .overQuota, slot.asker)] }
    charge(Self.messageCost, to: slot.asker, now)
    slots[number]?.token = token
    guard slot.isOpen else { return [offer(number, slot)] }
    let grant = RelayMessage.grant(token: token, slot: number, at: slot.guest.address)
    return [Sending(message: grant, party: slot.asker)]
  }

  private func offer(_ number: UInt64, _ slot: Slot) -> Sending {
    let message = RelayMessage.offer(
      slot: number, peer: slot.asker.key, at: slot.asker.address)
    return Sending(message: message, party: slot.guest)
  }

  private mutating func hasBytes(_ asker: Party, _ now: Instant) -> Bool {
    let count = Self.messageCost
    return quota.remaining(now: now) >= count && nodeQuotas.has(count, of: asker.key, now: now)
      && placeQuotas.has(count, of: asker.place, now: now)
  }

  private mutating func hasWorth(_ asker: Party, _ now: Instant) -> Bool {
    quota.remaining(now: now) >= Self.worth(quota.limit)
      && nodeQuotas.has(Self.worth(nodeQuotas.limit), of: asker.key, now: now)
      && placeQuotas.has(Self.worth(placeQuotas.limit), of: asker.place, now: now)
  }

  /// What has to be left of a quota for a new way.
  private static func worth(_ limit: UInt64) -> Int { max(1, Int(clamping: limit / 64)) }

  /// Whether there is one more way: no node and no address takes those of all others.
  private func hasRoom(
    from asker: Party, to guest: PublicKey, instead former: UInt64?
  ) -> Bool {
    guard slots.count - (former == nil ? 0 : 1) < settings.slots else { return false }
    var (ofAsker, ofGuest, ofPlace, ofPair) = (0, 0, 0, 0)
    for (number, slot) in slots where number != former {
      if slot.asker.key == asker.key || slot.guest.key == asker.key { ofAsker += 1 }
      let isOfGuest = slot.asker.key == guest || slot.guest.key == guest
      if isOfGuest { ofGuest += 1 }
      guard slot.asker.place == asker.place else { continue }
      ofPlace += 1
      if isOfGuest { ofPair += 1 }
    }
    return ofAsker < settings.slotsPerNode && ofGuest < settings.slotsPerNode
      && ofPlace < settings.slotsPerAddress && ofPair < settings.slotsPerPair
  }

  private mutating func takeAsk(_ place: IPAddress, _ now: Instant) -> Bool {
    if asksByPlace[place] == nil {
      if asksByPlace.count >= Self.placeCapacity {
        asksByPlace = asksByPlace.filter { !$0.value.isFull(now: now) }
      }
      guard asksByPlace.count < Self.placeCapacity else { return false }
      let rate = settings.asksPerSecondPerAddress
      asksByPlace[place] = Throttle(rate: rate, burst: 8 * rate, now: now)
    }
    guard asksByPlace[place]?.take(now: now) ?? false else { return false }
    return asks.take(now: now)
  }
}
