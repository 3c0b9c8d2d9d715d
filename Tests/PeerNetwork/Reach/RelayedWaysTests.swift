import Cryptography
import Testing
import Transfer
import Wire

@testable import PeerNetwork

/// When ways by relays are given back.
@Suite struct RelayedWaysTests {
  private let way = RelayedWays.Way(
    relay: RelayDesk.Party(
      key: PublicKey(Bytes32(words: (1, 1, 1, 1))),
      address: Address(ip: .v4(0x0501_0101), port: 7_782)),
    slot: 7)
  private let address = Address(detour: 1)

  private func at(_ seconds: Int64) -> Instant { .zero + .seconds(seconds) }

  @Test func aWayThatNoStreamUsesIsGivenBack() {
    var ways = RelayedWays()
    ways.add(way, at: address, now: .zero)
    let early = ways.sweep(used: [], now: at(14))
    #expect(early.isEmpty)
    let late = ways.sweep(used: [], now: at(15))
    #expect(late.map(\.way) == [way] && late.map(\.address) == [address])
    #expect(ways.isEmpty)
  }

  @Test func aWayInUseStaysAndAWhileLonger() {
    var ways = RelayedWays()
    ways.add(way, at: address, now: .zero)
    let used = ways.sweep(used: [address], now: at(100))
    // The stream has left the relay; the other end may not have followed yet.
    let left = ways.sweep(used: [], now: at(114))
    let gone = ways.sweep(used: [], now: at(115))
    #expect(used.isEmpty && left.isEmpty && gone.count == 1)
  }

  @Test func aWayWhoseStreamEndedIsGivenBackSoon() {
    var ways = RelayedWays()
    ways.add(way, at: address, now: .zero)
    ways.release(address, now: at(5))
    let shared = ways.sweep(used: [address], now: at(6))
    ways.release(address, now: at(7))
    let ended = ways.sweep(used: [], now: at(8))
    #expect(shared.isEmpty && ended.count == 1)
  }
}
