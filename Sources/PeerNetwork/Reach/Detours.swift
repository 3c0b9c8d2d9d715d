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
    let peer: Address?
    var used: Instant
  }

  /// The ways that may stand.
  static let capacity = 64
  /// Those of one relay, so that one that offers many takes no room of others.
  static let capacityOfRelay = 16
  /// How long one may be unused.
  static let life = Duration.seconds(90)

  private var entries: [UInt64: Entry] = [:]
  private var last: UInt64 = 0

  /// The ways that stand.
  var count: Int { entries.count }

  /// Makes a way; nil if there are too many. The same relay and slot give the same way again.
  mutating func add(_ target: Target, to peer: Address? = nil, now: Instant) -> Address? {
    if case .relay(let relay, let slot) = target, let known = number(of: slot, at: relay.address) {
      entries[known]?.used = now
      return Address(detour: known)
    }
    if !hasRoom(for: target) {
      for (number, entry) in entries where now - entry.used >= Self.life { remove(number, entry) }
      guard hasRoom(for: target) else { return nil }
    }
    last += 1
    entries[last] = Entry(target: target, peer: peer, used: now)
    return Address(detour: last)
  }

  /// Where the datagrams of a way go.
  mutating func target(of address: Address, now: Instant) -> Target? {
    guard let number = address.detour, let entry = entries[number] else { return nil }
    entries[number]?.used = now
    return entry.target
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
    if case .socket(let channel, _) = entry.target { channel.close(promise: nil) }
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
