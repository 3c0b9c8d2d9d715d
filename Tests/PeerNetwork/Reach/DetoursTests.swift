import Cryptography
import NIOCore
import NIOEmbedded
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

  @Test func aWayIsEndedOrAskedAnewByItsRelayAlone() throws {
    var detours = Detours()
    let other = RelayDesk.Party(
      key: PublicKey(Bytes32(words: (2, 1, 1, 1))), address: relay.address)
    let first = Address(ip: .v4(0x0701_0101), port: 1)
    let second = Address(ip: .v4(0x0701_0102), port: 2)
    let added = detours.add(.relay(relay, slot: 7), to: first, now: .zero)
    let way = try #require(added)
    #expect(detours.address(of: 7, by: other) == nil)
    #expect(detours.address(of: 7, by: relay) == way)
    let foreign = detours.add(.relay(other, slot: 7), to: second, now: .zero)
    #expect(foreign != way && detours.peer(of: way) == first)
    _ = detours.add(.relay(relay, slot: 7), to: second, now: .zero)
    #expect(detours.peer(of: way) == second)
  }

  @Test func whatProvesNothingTakesNoWay() throws {
    var detours = Detours()
    let socket = EmbeddedChannel()
    var ways: [Address] = []
    for port in 1...100 as ClosedRange<UInt16> {
      let remote = Address(ip: .v4(0x0801_0101), port: port)
      ways.append(detours.addCandidate(socket, at: remote, now: .zero))
    }
    #expect(detours.count == 0)
    // The newest few may still be proven; the same one is the same way.
    let known = ways.count { detours.target(of: $0, now: .zero) != nil }
    #expect(known == Detours.candidateCapacity)
    let again = detours.addCandidate(
      socket, at: Address(ip: .v4(0x0801_0101), port: 100), now: .zero)
    #expect(again == ways[99])
    let isLate = detours.confirm(ways[0], now: .zero)
    let isProven = detours.confirm(ways[99], now: .zero)
    #expect(!isLate && isProven && detours.count == 1 && detours.isSocket(ways[99]))
    detours.removeCandidates()
    let isForgotten = detours.confirm(ways[98], now: .zero)
    #expect(!isForgotten && detours.count == 1)
  }

  @Test func aSocketOfTwoWaysIsClosedWithTheLast() throws {
    var detours = Detours()
    let socket = EmbeddedChannel()
    try socket.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
    let ways = (1...2 as ClosedRange<UInt16>).compactMap { port in
      detours.add(.socket(socket, Address(ip: .v4(0x0801_0101), port: port)), now: .zero)
    }
    try #require(ways.count == 2)
    #expect(detours.sockets(now: .zero).isEmpty)
    #expect(Set(detours.sockets(now: .zero + Detours.socketGrace)) == Set(ways))
    detours.remove(ways[0])
    #expect(socket.isActive && detours.hasSockets)
    detours.remove(ways[1])
    #expect(!socket.isActive && !detours.hasSockets)
  }
}
