import NIOCore
import Transfer
import Wire

/// Ways of datagrams that are no addresses, under addresses that no packet bears, so that sessions and
/// streams need not know of them. The addresses are of 100::/64, which is routed nowhere (RFC 6666), and
/// mean something in this process alone.
struct Detours {
  /// Where the datagrams of a detour go.
  enum Target {
    /// To a relay, which passes them on.
    case relay(RelayDesk.Party, slot: UInt64)
    /// To an address, from a socket of its own.
    case socket(any Channel, Address)
  }

  private struct Entry {
    let target: Target
    /// Where the node at the other end is, if a relay said so.
    var peer: Address?
    var used: Instant
    /// When it was made.
    let since: Instant
  }

  /// The ways that may stand.
  static let capacity = 64
  /// Those of one relay, so that one that offers many takes no room of others.
  static let capacityOfRelay = 16
  /// How long one may be unused.
  static let life = Duration.seconds(90)

  /// The ways by which a datagram came that proves nothing yet; the oldest of more are forgotten.
  static let candidateCapacity = 16
  /// How long a socket of its own is kept for a stream to move there.
  static let socketGrace = Duration.seconds(10)

  private var entries: [UInt64: Entry] = [:]
  private var candidates: [UInt64: Entry] = [:]
  private var last: UInt64 = 0

  /// The ways that stand.
  var count: Int { entries.count }

  /// Makes a way; nil if there are too many. The same relay and slot give the same way again.
  mutating func add(_ target: Target, to peer: Address? = nil, now: Instant) -> Address? {
    if case .relay(let relay, let slot) = target, let known = number(of: slot, by: relay) {
      entries[known]?.used = now
      // Asked anew, the relay may see the other end elsewhere.
      if let peer { entries[known]?.peer = peer }
      return Address(detour: known)
    }
    guard makeRoom(for: target, now: now) else { return nil }
    last += 1
    entries[last] = Entry(target: target, peer: peer, used: now, since: now)
    return Address(detour: last)
  }

  private mutating func makeRoom(for target: Target, now: Instant) -> Bool {
    guard !hasRoom(for: target) else { return true }
    for (number, entry) in entries where now - entry.used >= Self.life { remove(number, entry) }
    return hasRoom(for: target)
  }

  /// The way for a datagram that came to a socket of its own and proves nothing yet; it stands until
  /// `confirm` or `removeCandidates`.
  mutating func addCandidate(_ socket: any Channel, at remote: Address, now: Instant) -> Address {
    for (number, entry) in candidates {
      if case .socket(let other, remote) = entry.target, other === socket {
        return Address(detour: number)
      }
    }
    if candidates.count >= Self.candidateCapacity, let oldest = candidates.keys.min() {
      candidates[oldest] = nil
    }
    last += 1
    candidates[last] = Entry(target: .socket(socket, remote), peer: nil, used: now, since: now)
    return Address(detour: last)
  }

  /// What came by a candidate is proven: it stands. False if it is none, or there is no room.
  mutating func confirm(_ address: Address, now: Instant) -> Bool {
    guard let number = address.detour, let entry = candidates.removeValue(forKey: number)
    else { return false }
    guard makeRoom(for: entry.target, now: now) else { return false }
    entries[number] = entry
    return true
  }

  /// Forgets what was not proven; its sockets are the caller's.
  mutating func removeCandidates() {
    candidates = [:]
  }

  /// The ways by sockets of their own that had their time to be moved to.
  func sockets(now: Instant) -> [Address] {
    entries.compactMap { number, entry in
      guard case .socket = entry.target, now - entry.since >= Self.socketGrace else { return nil }
      return Address(detour: number)
    }
  }

  /// Whether there is a way by a socket of its own.
  var hasSockets: Bool {
    entries.values.contains { if case .socket = $0.target { true } else { false } }
  }

  /// Where the datagrams of a way go.
  mutating func target(of address: Address, now: Instant) -> Target? {
    guard let number = address.detour else { return nil }
    guard let entry = entries[number] else { return candidates[number]?.target }
    entries[number]?.used = now
    return entry.target
  }

  /// The way of a slot that this relay granted, and no other at the same address.
  func address(of slot: UInt64, by relay: RelayDesk.Party) -> Address? {
    number(of: slot, by: relay).map { Address(detour: $0) }
  }

  /// The way by which a relay's datagram for a slot came.
  mutating func address(of slot: UInt64, from relay: Address, now: Instant) -> Address? {
    guard let number = number(of: slot, at: relay) else { return nil }
    entries[number]?.used = now
    return Address(detour: number)
  }

  /// The way by which a socket of its own reaches an address.
  mutating func address(of socket: any Channel, at remote: Address, now: Instant) -> Address? {
    for (number, entry) in entries {
      guard case .socket(let other, remote) = entry.target, other === socket else { continue }
      entries[number]?.used = now
      return Address(detour: number)
    }
    return nil
  }

  /// Where the node at the other end of a relay's way is.
  func peer(of address: Address) -> Address? {
    address.detour.flatMap { entries[$0]?.peer }
  }

  /// Whether the way is a socket of its own.
  func isSocket(_ address: Address) -> Bool {
    guard let number = address.detour, case .socket? = entries[number]?.target else { return false }
    return true
  }

  /// Ends a way.
  mutating func remove(_ address: Address) {
    guard let number = address.detour, let entry = entries[number] else { return }
    remove(number, entry)
  }

  /// Ends all.
  mutating func removeAll() {
    for (number, entry) in entries { remove(number, entry) }
    candidates = [:]
  }

  private func hasRoom(for target: Target) -> Bool {
    guard entries.count < Self.capacity else { return false }
    guard case .relay(let relay, _) = target else { return true }
    let own = entries.values.count {
      if case .relay(let other, _) = $0.target { other.address == relay.address } else { false }
    }
    return own < Self.capacityOfRelay
  }

  private mutating func remove(_ number: UInt64, _ entry: Entry) {
    entries[number] = nil
    guard case .socket(let channel, _) = entry.target else { return }
    let isShared = entries.values.contains {
      if case .socket(let other, _) = $0.target { other === channel } else { false }
    }
    if !isShared { channel.close(promise: nil) }
  }

  private func number(of slot: UInt64, by relay: RelayDesk.Party) -> UInt64? {
    for (number, entry) in entries {
      if case .relay(relay, slot) = entry.target { return number }
    }
    return nil
  }

  private func number(of slot: UInt64, at relay: Address) -> UInt64? {
    for (number, entry) in entries {
      if case .relay(let party, slot) = entry.target, party.address == relay { return number }
    }
    return nil
  }
}

extension Address {
  private static let detours: UInt64 = 0x0100_0000_0000_0000

  /// The address of a way that is none.
  init(detour number: UInt64) {
    self.init(ip: .v6(Self.detours, number), port: 1)
  }

  /// The number of the way, if the address is of one.
  var detour: UInt64? {
    if case .v6(Self.detours, let number) = ip { number } else { nil }
  }
}
