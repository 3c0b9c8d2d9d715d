public import Cryptography
public import Wire

/// The relay's side: who registered, who has a way through this node to whom, and how much may pass.
///
/// What passes is sealed between the two ends; the relay sees their keys and addresses, and bytes.
public struct RelayDesk: Sendable {
  /// The bounds of a relay.
  public struct Settings: Sendable, Equatable {
    /// Whether this node relays at all.
    public var isEnabled = false
    /// Ways at once.
    public var slots = 64
    /// Ways at once that one node may be an end of.
    public var slotsPerNode = 8
    /// Nodes that may be registered, in all and from one address.
    public var guests = 256
    /// Of one address: a household, or a carrier's NAT.
    public var guestsPerAddress = 16
    /// Bytes an hour over all ways.
    public var quota: UInt64 = 4 << 30
    /// Bytes an hour for one node, whichever end it is.
    public var quotaPerNode: UInt64 = 512 << 20
    /// Ways that may be asked for in a second; twice as many at once.
    public var asksPerSecond = 8.0
    /// How long a registration lasts that is not renewed.
    public var guestLife = Duration.seconds(100)
    /// How long an offer waits for its answer.
    public var offerLife = Duration.seconds(5)
    /// How long a way lasts over which nothing passes.
    public var idleTime = Duration.seconds(60)

    /// The defaults.
    public init() {}
  }

  /// A node and where it is.
  public struct Party: Hashable, Sendable {
    /// Its key, proven by the seal.
    public let key: PublicKey
    /// Where its datagrams come from and go to, proven by a cookie.
    public let address: Address

    /// The node with this key at this address.
    public init(key: PublicKey, address: Address) {
      self.key = key
      self.address = address
    }
  }

  /// A message to be sealed and sent.
  public struct Sending: Equatable, Sendable {
    /// What is sent.
    public let message: RelayMessage
    /// To whom.
    public let party: Party

    /// This message to that node.
    public init(message: RelayMessage, party: Party) {
      self.message = message
      self.party = party
    }
  }

  private struct Slot {
    let asker: Party
    let guest: Party
    var token: UInt64
    var isOpen = false
    var used: Instant
  }

  private struct Guest {
    let address: Address
    let heard: Instant
  }

  /// The bounds.
  public let settings: Settings
  private var slots: [UInt64: Slot] = [:]
  private var guests: [PublicKey: Guest] = [:]
  private var quota: HourlyQuota
  private var quotas: NodeQuotas
  private var asks: Double
  private var asksFilled: Instant
  /// Bytes that were passed on since the start.
  public private(set) var passedBytes: UInt64 = 0
  /// Datagrams that were dropped because a quota was used up.
  public private(set) var refusedByQuota: UInt64 = 0

  /// A relay whom nobody asked for anything yet.
  public init(settings: Settings, now: Instant) {
    self.settings = settings
    quota = HourlyQuota(limit: settings.quota, now: now)
    quotas = NodeQuotas(limit: settings.quotaPerNode, capacity: 4 * max(1, settings.guests))
    asks = 2 * settings.asksPerSecond
    asksFilled = now
  }

  /// The ways that stand or are offered.
  public var slotCount: Int { slots.count }
  /// The nodes that are registered or were a moment ago.
  public var guestCount: Int { guests.count }

  /// Takes in a message whose sender's address a cookie proved; `fresh` is a random number for a slot.
  public mutating func receive(
    _ message: RelayMessage, from party: Party, fresh: UInt64, now: Instant
  ) -> [Sending] {
    switch message {
    case .register(let token):
      guard settings.isEnabled else { return [refuse(token, .notRelaying, party)] }
      guard keep(party, now) else { return [refuse(token, .busy, party)] }
      return [Sending(message: .registered(token: token), party: party)]
    case .ask(let token, let peer):
      guard settings.isEnabled else { return [refuse(token, .notRelaying, party)] }
      return ask(token, peer, from: party, fresh, now)
    case .take(let number):
      guard var slot = slots[number], slot.guest == party else {
        return [Sending(message: .close(slot: number, .done), party: party)]
      }
      slot.isOpen = true
      slot.used = now
      slots[number] = slot
      let grant = RelayMessage.grant(token: slot.token, slot: number, at: party.address)
      return [Sending(message: grant, party: slot.asker)]
    case .refuse(let number, _):
      guard let slot = slots[number], slot.guest == party, !slot.isOpen else { return [] }
      slots[number] = nil
      return [refuse(slot.token, .unwilling, slot.asker)]
    case .close(let number, _):
      guard let slot = slots[number], slot.guest == party || slot.asker == party else { return [] }
      slots[number] = nil
      let other = slot.guest == party ? slot.asker : slot.guest
      return [Sending(message: .close(slot: number, .done), party: other)]
    case .registered, .offer, .grant, .probe, .knock: return []
    }
  }

  /// What becomes of a datagram of `count` bytes that came for a slot.
  public enum Passage: Equatable, Sendable {
    /// It goes on to the other end.
    case pass(to: Address)
    /// It is dropped: no such slot, or it did not come from one of the two ends.
    case drop
    /// The quota is used up: it is dropped, and both ends are told.
    case end([Sending])
  }

  /// Judges a datagram for a slot.
  public mutating func pass(
    _ number: UInt64, count: Int, from address: Address, now: Instant
  ) -> Passage {
    guard var slot = slots[number], slot.isOpen else { return .drop }
    let target: Party
    switch address {
    case slot.asker.address: target = slot.guest
    case slot.guest.address: target = slot.asker
    default: return .drop
    }
    guard quotas.take(count, of: slot.asker.key, now: now),
      quotas.take(count, of: slot.guest.key, now: now), quota.take(count, now: now)
    else {
      slots[number] = nil
      refusedByQuota += 1
      let close = RelayMessage.close(slot: number, .overQuota)
      return .end([slot.asker, slot.guest].map { Sending(message: close, party: $0) })
    }
    slot.used = now
    slots[number] = slot
    passedBytes += UInt64(count)
    return .pass(to: target.address)
  }

  private mutating func keep(_ party: Party, _ now: Instant) -> Bool {
    if guests[party.key] == nil {
      if guests.count >= settings.guests {
        guests = guests.filter { now - $0.value.heard < settings.guestLife }
        guard guests.count < settings.guests else { return false }
      }
      let neighbours = guests.values.count { $0.address.ip == party.address.ip }
      guard neighbours < settings.guestsPerAddress else { return false }
    }
    guests[party.key] = Guest(address: party.address, heard: now)
    return true
  }

  private mutating func ask(
    _ token: UInt64, _ peer: PublicKey, from party: Party, _ fresh: UInt64, _ now: Instant
  ) -> [Sending] {
    prune(now)
    guard peer != party.key, let guest = guests[peer], now - guest.heard < settings.guestLife else {
      return [refuse(token, .unknownPeer, party)]
    }
    let other = Party(key: peer, address: guest.address)
    let known = slots.first { $0.value.asker.key == party.key && $0.value.guest.key == peer }
    if let (number, slot) = known {
      // The answer or the offer was lost, or one of the two is at another address now.
      if slot.asker == party, slot.guest == other {
        slots[number]?.token = token
        let grant = RelayMessage.grant(token: token, slot: number, at: other.address)
        return slot.isOpen
          ? [Sending(message: grant, party: party)] : [offer(number, of: party, to: other)]
      }
      slots[number] = nil
    }
    guard takeAsk(now) else { return [refuse(token, .busy, party)] }
    guard slots.count < settings.slots, isFree(party.key), isFree(peer), slots[fresh] == nil else {
      return [refuse(token, .busy, party)]
    }
    guard quota.remaining(now: now) > 0, quotas.admits(party.key, now: now),
      quotas.admits(peer, now: now)
    else { return [refuse(token, .overQuota, party)] }
    slots[fresh] = Slot(asker: party, guest: other, token: token, used: now)
    return [offer(fresh, of: party, to: other)]
  }

  private func offer(_ slot: UInt64, of asker: Party, to guest: Party) -> Sending {
    Sending(message: .offer(slot: slot, peer: asker.key, at: asker.address), party: guest)
  }

  /// Forgets ways over which nothing passes and offers that nobody took.
  private mutating func prune(_ now: Instant) {
    slots = slots.filter { entry in
      let life = entry.value.isOpen ? settings.idleTime : settings.offerLife
      return now - entry.value.used < life
    }
  }

  private func isFree(_ key: PublicKey) -> Bool {
    let taken = slots.values.count { $0.asker.key == key || $0.guest.key == key }
    return taken < settings.slotsPerNode
  }

  private mutating func takeAsk(_ now: Instant) -> Bool {
    if now > asksFilled {
      let earned = (now - asksFilled).inSeconds * settings.asksPerSecond
      asks = min(2 * settings.asksPerSecond, asks + earned)
      asksFilled = now
    }
    guard asks >= 1 else { return false }
    asks -= 1
    return true
  }

  private func refuse(
    _ token: UInt64, _ reason: RelayMessage.Refusal, _ party: Party
  ) -> Sending {
    Sending(message: .refuse(token: token, reason), party: party)
  }
}
