import Cryptography
import Testing
import Wire

@testable import DHT

@Suite struct RoutingTableTests {
  static func table(
    _ count: UInt32, random: inout SplitMix64
  ) -> (table: RoutingTable, kept: [Contact]) {
    let own = NodeID(Bytes32.random(using: &random))
    var table = RoutingTable(own: own, settings: KademliaSettings())
    var kept: [Contact] = []
    for number in 0..<count {
      let contact = Contact.random(number, using: &random)
      if table.answered(contact, roundTrip: nil, now: .zero) == .kept { kept.append(contact) }
    }
    return (table, kept)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func closestMatchesASort(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let (table, kept) = Self.table(400, random: &random)
    for round in 0..<20 {
      var target = Bytes32.random(using: &random)
      if round == 0 { target = table.own.bytes }
      let sorted = kept.sorted { $0.id.bytes ^ target < $1.id.bytes ^ target }
      #expect(table.closest(to: target, count: 16) == Array(sorted.prefix(16)))
    }
  }

  @Test func firstBucketsAreWide() {
    var random = SplitMix64(seed: 7)
    let (table, _) = Self.table(3_000, random: &random)
    #expect(table.count > 128 + 64 + 32 + 16)
    #expect(table.count < 128 + 64 + 32 + 16 * 12)
  }

  @Test func theOwnKeyNeverEnters() {
    var random = SplitMix64(seed: 8)
    let contact = Contact.random(1, using: &random)
    var table = RoutingTable(own: contact.id, settings: KademliaSettings())
    let place = table.answered(contact, roundTrip: nil, now: .zero)
    #expect(place == .refused)
    #expect(!table.wants(contact))
  }

  @Test(arguments: [0, 1, 5, 63, 64, 65, 130, 255])
  func aRandomIDLiesInItsBucket(index: Int) {
    var random = SplitMix64(seed: 9)
    let own = NodeID(Bytes32.random(using: &random))
    let table = RoutingTable(own: own, settings: KademliaSettings())
    for _ in 0..<20 {
      let id = table.randomID(inBucket: index, using: &random)
      #expect((id ^ own.bytes).leadingZeroBitCount == index)
    }
  }

  @Test func oneNetworkHasOnePlaceInAResult() {
    var random = SplitMix64(seed: 10)
    let own = NodeID(Bytes32.random(using: &random))
    var table = RoutingTable(own: own, settings: KademliaSettings())
    for host in 0..<200 {
      let text = "8.8.\(host % 4).\(host):7782"
      _ = table.answered(.random(at: text, using: &random), roundTrip: nil, now: .zero)
    }
    #expect(table.count > 4)
    #expect(table.closest(to: own.bytes, count: 16).count == 2)
  }

  @Test func silentContactsAreNotHandedOut() {
    var random = SplitMix64(seed: 11)
    var (table, kept) = Self.table(20, random: &random)
    table.failed(kept[0], now: .zero)
    #expect(table.closest(to: .zero, count: 20).count == 20)
    table.failed(kept[0], now: .zero)
    #expect(!table.closest(to: .zero, count: 20).contains(kept[0]))
    #expect(table.closest(to: .zero, count: 20, includesSilent: true).contains(kept[0]))
    let silent = table.silent(now: .seconds(1_000), limit: 5)
    #expect(silent == [kept[0]])
  }

  @Test func theSizeOfTheNetworkIsJudgedWithinAThird() {
    var random = SplitMix64(seed: 12)
    var sum = 0.0
    for _ in 0..<50 {
      let own = Bytes32.random(using: &random)
      var distances = (0..<1_000).map { _ in Bytes32.random(using: &random) ^ own }
      distances.sort()
      sum += NetworkSize.estimate(distances: Array(distances.prefix(16)))
    }
    #expect((900...1_100).contains(sum / 50))
  }
}
