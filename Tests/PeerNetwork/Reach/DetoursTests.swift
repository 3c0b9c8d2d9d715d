import Cryptography
import Testing
import Transfer
import Wire

@testable import PeerNetwork

/// Ways of datagrams that are no addresses.
@Suite struct DetoursTests {
  private let relay = RelayDesk.Party(
    key: PublicKey(Bytes32(words: (1, 1, 1, 1))),
    address: Address(ip: .v4(0x0501_0101), port: 7_782))

  @Test func aSlotOfARelayIsFoundInBothDirections() throws {
    var detours = Detours()
    let added = detours.add(.relay(relay, slot: 7), now: .zero)
    let way = try #require(added)
    #expect(way.detour != nil && !way.ip.isGlobal)
    let found = detours.address(of: 7, from: relay.address, now: .zero)
    let other = detours.address(of: 8, from: relay.address, now: .zero)
    #expect(found == way && other == nil)
    let stranger = Address(ip: .v4(0x0601_0101), port: 7_782)
    let foreign = detours.address(of: 7, from: stranger, now: .zero)
    #expect(foreign == nil)
    guard case .relay(relay, 7)? = detours.target(of: way, now: .zero) else {
      Issue.record("no target")
      return
    }
    let again = detours.add(.relay(relay, slot: 7), now: .zero)
    #expect(again == way)
    detours.remove(way)
    let gone = detours.target(of: way, now: .zero)
    #expect(gone == nil && detours.count == 0)
  }

  @Test func addressesOfPacketsAreNoWays() {
    var detours = Detours()
    #expect(relay.address.detour == nil)
    for address in [relay.address, Address(detour: 77)] {
      let target = detours.target(of: address, now: .zero)
      #expect(target == nil)
    }
  }

  @Test func thereAreFewAndTheIdleOnesGiveWay() {
    var detours = Detours()
    for slot in 0..<200 { _ = detours.add(.relay(relay, slot: UInt64(slot)), now: .zero) }
    #expect(detours.count == Detours.capacityOfRelay)
    for number in 0..<200 {
      let other = RelayDesk.Party(
        key: relay.key, address: Address(ip: .v4(0x0601_0100 + UInt32(number)), port: 1))
      _ = detours.add(.relay(other, slot: 1), now: .zero)
    }
    #expect(detours.count == Detours.capacity)
    let late = Instant.zero + Detours.life
    _ = detours.address(of: 3, from: relay.address, now: late)
    let added = detours.add(.relay(relay, slot: 500), now: late)
    #expect(added != nil && detours.count == 2)
  }
}
