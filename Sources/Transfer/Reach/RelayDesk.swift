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
    /// Ways at once that may be asked for from one address: a household, or a carrier's NAT.
    public var slotsPerAddress = 16
    /// Those of them that lead to the same node, so that nobody takes all of its ways.
    public var slotsPerPair = 2
    /// Nodes that may be registered.
    public var guests = 256
    /// Nodes that may be registered from one address.
    public var guestsPerAddress = 16
    /// Bytes an hour over all ways.
    public var quota: UInt64 = 4 << 30
    /// Bytes an hour for one node, whichever end it is.
    public var quotaPerNode: UInt64 = 512 << 20
    /// Bytes an hour over the ways that were asked for from one address: keys cost nothing.
    public var quotaPerAddress: UInt64 = 1 << 30
    /// Ways that may be asked for in a second; twice as many at once.
    public var asksPerSecond = 8.0
    /// Of one address in a second; eight times as many at once.
    public var asksPerSecondPerAddress = 1.0
    /// How long a registration lasts that is not renewed.
    public var guestLife = Duration.seconds(100)
    /// How long an offer waits for its answer.
    public var offerLife = Duration.seconds(5)
    /// How long a way lasts of which an end is silent.
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

    /// What one host has of addresses: an IPv4 address, or the /64 of an IPv6 one.
    var place: IPAddress { address.ip.place }

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

  /// A way between two nodes, offered or open.
  struct Slot {
    let asker: Party
    let guest: Party
    var token: UInt64
    var isOpen = false
    /// When each end was heard last; of an offer, when it was made.
    var heard: (asker: Instant, guest: Instant)
    /// How often the answer is repeated.
    var answers: Throttle
  }

  struct Guest {
    let party: Party
    let heard: Instant
  }

  /// The bounds.
  public let settings: Settings
  var slots: [UInt64: Slot] = [:]
  var guests: [PublicKey: Guest] = [:]
  var quota: HourlyQuota
  var nodeQuotas: Quotas<PublicKey>
  var placeQuotas: Quotas<IPAddress>
  var asks: Throttle
  var asksByPlace: [IPAddress: Throttle] = [:]
  private var rate: TokenBucket
  private var isPaused = false
  /// Bytes that were passed on since the start.
  public private(set) var passedBytes: UInt64 = 0
  /// Ways that ended because a quota was used up.
  public private(set) var refusedByQuota: UInt64 = 0

  /// A relay whom nobody asked for anything yet.
  public init(settings: Settings, now: Instant) {
    self.settings = settings
    quota = HourlyQuota(limit: settings.quota, now: now)
    let capacity = 4 * max(1, settings.guests)
    nodeQuotas = Quotas(limit: settings.quotaPerNode, capacity: capacity)
    placeQuotas = Quotas(limit: settings.quotaPerAddress, capacity: capacity)
    asks = Throttle(rate: settings.asksPerSecond, burst: 2 * settings.asksPerSecond, now: now)
    rate = TokenBucket(rate: nil, now: now)
  }

  /// The ways that stand or are offered.
  public var slotCount: Int { slots.count }
  /// The nodes that are registered or were a moment ago.
  public var guestCount: Int { guests.count }
  /// Whether this node relays now.
  public var isRelaying: Bool { settings.isEnabled && !isPaused }

  /// Stops relaying for a while, or goes on; the ends of ways that end by it are told.
  public mutating func pause(_ isPaused: Bool) -> [Sending] {
    self.isPaused = isPaused
    guard isPaused else { return [] }
    let sendings = slots.flatMap { close($0.key, $0.value, .notRelaying) }
    slots = [:]
    guests = [:]
    return sendings
  }

  /// Passes on no more than so many bytes a second from now on, however many ways there are; nil for no
  /// limit. What is beyond is dropped, which the ends take for a narrow path.
  public mutating func limit(to rate: UInt64?, now: Instant) {
    self.rate = TokenBucket(rate: rate, now: now)
  }

  /// Ends ways whose ends fell silent, of which both are told, and forgets offers that nobody took and
  /// nodes that did not renew; to be called every few seconds while there are any.
  public mutating func tick(now: Instant) -> [Sending] {
    var sendings: [Sending] = []
    for (number, slot) in slots where !isAlive(slot, now) {
      slots[number] = nil
      if slot.isOpen { sendings += close(number, slot, .done) }
    }
    guests = guests.filter { now - $0.value.heard < settings.guestLife }
    return sendings
  }

  /// Takes in a message whose sender's seal was checked; of a REGISTER or an ASK a cookie proved the
  /// address. `fresh` is a random number for a slot.
  public mutating func receive(
    _ message: RelayMessage, from party: Party, fresh: UInt64, now: Instant
  ) -> [Sending] {
    switch message {
    case .register(let token):
      guard isRelaying else { return [refuse(token, .notRelaying, party)] }
      guard keep(party, now) else { return [refuse(token, .busy, party)] }
      return [Sending(message: .registered(token: token), party: party)]
    case .ask(let token, let peer):
      guard isRelaying else { return [refuse(token, .notRelaying, party)] }
      return tick(now: now) + ask(token, peer, from: party, fresh, now)
    case .take(let number):
      // Nothing to anybody else: no cookie proved that the question came from there.
      guard var slot = slots[number], slot.guest == party, isAlive(slot, now) else { return [] }
      // The asker heard the first one, or asks again.
      if slot.isOpen, !slot.answers.take(now: now) { return [] }
      if !slot.isOpen { slot.heard = (now, now) }
      slot.isOpen = true
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
    /// It is dropped: no such slot, not from one of the two ends, or more than may pass in a second.
    case drop
    /// The quota is used up: it is dropped, and both ends are told.
    case end([Sending])
  }

  /// Judges a datagram for a slot.
  public mutating func pass(
    _ number: UInt64, count: Int, from address: Address, now: Instant
  ) -> Passage {
    guard let slot = slots[number], slot.isOpen, isAlive(slot, now) else { return .drop }
    let target: Party
    switch address {
    case slot.asker.address:
      target = slot.guest
      slots[number]?.heard.asker = now
    case slot.guest.address:
      target = slot.asker
      slots[number]?.heard.guest = now
    default: return .drop
    }
    // What one of the quotas refuses uses up none of the others.
    let fits =
      nodeQuotas.has(count, of: slot.asker.key, now: now)
      && nodeQuotas.has(count, of: slot.guest.key, now: now)
      && placeQuotas.has(count, of: slot.asker.place, now: now)
      && quota.remaining(now: now) >= count
    guard fits else {
      slots[number] = nil
      refusedByQuota += 1
      return .end(close(number, slot, .overQuota))
    }
    guard rate.takeNow(count, now: now) else { return .drop }
    charge(count, to: slot.asker, now)
    _ = nodeQuotas.take(count, of: slot.guest.key, now: now)
    passedBytes += UInt64(count)
    return .pass(to: target.address)
  }

  /// Takes in that a datagram that was to pass did not leave this machine.
  public mutating func lost(_ count: Int) {
    passedBytes -= min(passedBytes, UInt64(count))
  }

  /// Whether both ends were heard, or an offer was made, a short while ago.
  func isAlive(_ slot: Slot, _ now: Instant) -> Bool {
    let life = slot.isOpen ? settings.idleTime : settings.offerLife
    return now - min(slot.heard.asker, slot.heard.guest) < life
  }

  mutating func charge(_ count: Int, to asker: Party, _ now: Instant) {
    _ = nodeQuotas.take(count, of: asker.key, now: now)
    _ = placeQuotas.take(count, of: asker.place, now: now)
    _ = quota.take(count, now: now)
  }

  func close(
    _ number: UInt64, _ slot: Slot, _ reason: RelayMessage.Refusal
  ) -> [Sending] {
    let message = RelayMessage.close(slot: number, reason)
    return [slot.asker, slot.guest].map { Sending(message: message, party: $0) }
  }

  func refuse(_ token: UInt64, _ reason: RelayMessage.Refusal, _ party: Party) -> Sending {
    Sending(message: .refuse(token: token, reason), party: party)
  }
}
