import Transfer
import Wire

/// The ways by relays that this node is an end of, so that each is given back when no stream goes over it
/// any more: the relay and the other end have few of them.
struct RelayedWays {
  /// A slot of a relay.
  struct Way: Equatable {
    let relay: RelayDesk.Party
    let slot: UInt64
  }

  /// How long a way stays that no stream uses: a stream may be about to be opened, and who left the relay
  /// is followed by the other end when it next says something.
  static let spareTime = Duration.seconds(15)
  /// How long it stays when its last stream ended: the last words are under way.
  static let lastWords = Duration.seconds(1)

  private var ways: [Address: (way: Way, due: Instant)] = [:]

  var isEmpty: Bool { ways.isEmpty }

  mutating func add(_ way: Way, at address: Address, now: Instant) {
    ways[address] = (way, now + Self.spareTime)
  }

  /// A stream ended that went over it.
  mutating func release(_ address: Address, now: Instant) {
    guard let due = ways[address]?.due else { return }
    ways[address]?.due = min(due, now + Self.lastWords)
  }

  mutating func remove(_ address: Address) {
    ways[address] = nil
  }

  /// Takes out those that no stream needs; `used` are the ways that streams go over now.
  mutating func sweep(used: Set<Address>, now: Instant) -> [(address: Address, way: Way)] {
    var unused: [(address: Address, way: Way)] = []
    for (address, entry) in ways {
      if used.contains(address) {
        ways[address]?.due = now + Self.spareTime
      } else if entry.due <= now {
        ways[address] = nil
        unused.append((address, entry.way))
      }
    }
    return unused
  }

  mutating func removeAll() {
    ways = [:]
  }
}
