import Cryptography
import Testing
import Wire

@testable import DHT

@Suite struct RecordStoreTests {
  static let wall = Timestamp(1_000)
  var random = SplitMix64(seed: 1)

  func store(_ change: (inout KademliaSettings) -> Void = { _ in }) -> RecordStore {
    var settings = KademliaSettings()
    change(&settings)
    return RecordStore(own: NodeID(.zero), settings: settings)
  }

  static func address(_ number: UInt32) -> Address {
    Address(ip: .v4(0x0A00_0000 + number), port: 7782)
  }

  mutating func record(
    key: Bytes32 = .zero, kind: RecordKind = .statement, publisher: PublicKey? = nil,
    slot: Bytes32? = nil, sequence: UInt64 = 1, expires: Int64 = 10_000, size: Int = 200
  ) -> Record {
    PlainRecords.make(
      key: key, kind: kind, publisher: publisher ?? .random(using: &random),
      slot: slot ?? Bytes32.random(using: &random), sequence: sequence,
      expires: Timestamp(expires), size: size)
  }

  @Test mutating func aSlotHoldsTheHighestSequence() {
    var store = store()
    let first = record()
    let second = record(publisher: first.publisher, slot: first.slot, sequence: 2)
    for (record, result) in [
      (first, StoreResult.stored), (second, .stored), (first, .outdated), (second, .stored),
    ] {
      let got = store.insert(
        record, from: Self.address(1), isTrusted: false, now: .zero, wall: Self.wall)
      #expect(got == result)
    }
    let kept = store.records(under: .zero, kind: .statement, issuers: [], now: Self.wall)
    #expect(kept == [second])
    #expect(store.count == 1)
  }

  @Test mutating func anIdenticalRepublishIsKeptLonger() {
    var store = store()
    let record = record(expires: 10_000_000)
    let life = KademliaSettings().recordLife
    _ = store.insert(record, from: Self.address(1), isTrusted: false, now: .zero, wall: Self.wall)
    let later = Instant.zero + (life - Duration.seconds(1))
    _ = store.insert(record, from: Self.address(2), isTrusted: false, now: later, wall: Self.wall)
    store.expire(now: Instant.zero + life, wall: Self.wall)
    #expect(store.count == 1)
    store.expire(now: later + life, wall: Self.wall)
    #expect(store.count == 0)
    #expect(store.byteCount == 0)
  }

  @Test mutating func expiredRecordsAreRefusedHiddenAndDropped() {
    var store = store()
    let record = record(expires: 2_000)
    let late = store.insert(
      record, from: Self.address(1), isTrusted: false, now: .zero, wall: Timestamp(2_000))
    #expect(late == .expired)
    _ = store.insert(record, from: Self.address(1), isTrusted: false, now: .zero, wall: Self.wall)
    let hidden = store.records(
      under: .zero, kind: .statement, issuers: [], now: Timestamp(2_000))
    #expect(hidden.isEmpty)
    store.expire(now: .zero, wall: Timestamp(2_000))
    #expect(store.count == 0)
  }

  @Test mutating func oneSourceHasEightRecordsAKey() {
    var store = store()
    for place in 0..<10 {
      let result = store.insert(
        record(), from: Self.address(1), isTrusted: false, now: .zero, wall: Self.wall)
      #expect(result == (place < 8 ? .stored : .overQuota))
    }
    let neighbour = store.insert(
      record(), from: Self.address(2), isTrusted: false, now: .zero, wall: Self.wall)
    #expect(neighbour == .stored)
    var results: [StoreResult] = []
    for host in 0..<10 as Range<UInt32> {
      let global = Address(ip: .v4(0x0808_0800 + host), port: 1)
      results.append(
        store.insert(record(), from: global, isTrusted: false, now: .zero, wall: Self.wall))
    }
    #expect(results.count { $0 == .stored } == 8)
  }

  @Test mutating func trustedIssuersAlwaysFindAPlace() {
    var store = store()
    for source in 0..<100 as Range<UInt32> {
      _ = store.insert(
        record(), from: Self.address(source), isTrusted: false, now: .zero, wall: Self.wall)
    }
    #expect(store.count == 48)
    let trusted = (0..<20).map { _ in record() }
    for record in trusted {
      let result = store.insert(
        record, from: Self.address(500), isTrusted: true, now: .zero, wall: Self.wall)
      #expect(result == .stored)
    }
    #expect(store.count == 64)
    let kept = store.records(under: .zero, kind: .statement, issuers: [], now: Self.wall)
    #expect(Set(kept.prefix(20)) == Set(trusted))
    for source in 200..<300 as Range<UInt32> {
      _ = store.insert(
        record(), from: Self.address(source), isTrusted: false, now: .zero, wall: Self.wall)
    }
    let after = store.records(under: .zero, kind: .statement, issuers: [], now: Self.wall)
    #expect(Set(after.prefix(20)) == Set(trusted))
    #expect(store.count <= 64)
  }

  @Test mutating func anIssuerWithManySlotsGivesWayFirst() {
    var store = store()
    let greedy = PublicKey.random(using: &random)
    for source in 0..<48 as Range<UInt32> {
      _ = store.insert(
        record(publisher: greedy), from: Self.address(source), isTrusted: false, now: .zero,
        wall: Self.wall)
    }
    let modest = record()
    let result = store.insert(
      modest, from: Self.address(100), isTrusted: false, now: .zero, wall: Self.wall)
    #expect(result == .stored)
    let more = store.insert(
      record(publisher: greedy), from: Self.address(101), isTrusted: false, now: .zero,
      wall: Self.wall)
    let kept = store.records(under: .zero, kind: .statement, issuers: [], now: Self.wall)
    #expect(kept.contains(modest))
    #expect(kept.count == 48)
    #expect(more == .keyFull || more == .stored)
  }

  @Test mutating func providersAreBoundedApartFromStatements() {
    var store = store()
    for source in 0..<100 as Range<UInt32> {
      _ = store.insert(
        record(kind: .provider), from: Self.address(source), isTrusted: false, now: .zero,
        wall: Self.wall)
    }
    #expect(store.count == 64)
    let result = store.insert(
      record(), from: Self.address(1), isTrusted: false, now: .zero, wall: Self.wall)
    #expect(result == .stored)
  }

  @Test mutating func aFullStoreForgetsTheFarthestKeys() {
    var store = store { $0.storeBytes = 40_000 }
    var keys: [Bytes32] = []
    for place in 0..<200 as Range<UInt32> {
      let key = Bytes32.random(using: &random)
      keys.append(key)
      _ = store.insert(
        record(key: key), from: Self.address(place), isTrusted: false, now: .zero,
        wall: Self.wall)
      #expect(store.byteCount <= 40_000)
    }
    // Our own id is zero, so distance is the key itself.
    #expect(store.keys == Array(keys.sorted().prefix(store.keyCount)))
    #expect(store.keyCount > 60)
  }

  @Test mutating func oneNetworkHasItsShareOfTheStore() {
    var store = store { $0.storeBytes = 1_000_000 }
    var accepted = 0
    for host in 0..<200 as Range<UInt32> {
      let source = Address(ip: .v4(0x0808_0800 + host % 250), port: 1)
      let key = Bytes32.random(using: &random)
      let result = store.insert(
        record(key: key), from: source, isTrusted: false, now: .zero, wall: Self.wall)
      if result == .stored { accepted += 1 }
    }
    #expect(accepted <= 1 + 10_000 / 520)
    let other = store.insert(
      record(key: .random(using: &random)), from: Address(ip: .v4(0x0909_0901), port: 1),
      isTrusted: false, now: .zero, wall: Self.wall)
    #expect(other == .stored)
  }

  @Test mutating func getsAreDiverseInIssuers() {
    var store = store()
    let one = PublicKey.random(using: &random)
    let other = PublicKey.random(using: &random)
    for source in 0..<6 as Range<UInt32> {
      _ = store.insert(
        record(publisher: one), from: Self.address(source), isTrusted: false, now: .zero,
        wall: Self.wall)
    }
    _ = store.insert(
      record(publisher: other), from: Self.address(9), isTrusted: false, now: .zero,
      wall: Self.wall)
    let all = store.records(under: .zero, kind: .statement, issuers: [], now: Self.wall)
    #expect(Set(all.prefix(2).map(\.publisher)) == [one, other])
    let some = store.records(
      under: .zero, kind: .statement, issuers: [other.prefix], now: Self.wall)
    #expect(some.map(\.publisher) == [other])
  }

  @Test(arguments: 0..<30 as Range<UInt64>)
  func storeMatchesADictionary(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var store = store()
    var model: [Bytes32: [Bytes32: Record]] = [:]
    let publisher = PublicKey.random(using: &random)
    let keys = (0..<5).map { _ in Bytes32.random(using: &random) }
    let slots = (0..<4).map { _ in Bytes32.random(using: &random) }
    for step in 0..<400 {
      let wall = Timestamp(1_000 + Int64(step))
      let record = PlainRecords.make(
        key: keys[Int.random(in: 0..<5, using: &random)], publisher: publisher,
        slot: slots[Int.random(in: 0..<4, using: &random)],
        sequence: UInt64.random(in: 0..<20, using: &random),
        expires: Timestamp(Int64.random(in: 900..<1_500, using: &random)))
      let result = store.insert(
        record, from: Self.address(1), isTrusted: false, now: .seconds(step), wall: wall)
      for key in keys { model[key] = (model[key] ?? [:]).filter { $0.value.expires > wall } }
      store.expire(now: .seconds(step), wall: wall)
      if record.expires <= wall {
        #expect(result == .expired)
      } else if let old = model[record.key]?[record.slot], old.bytes != record.bytes,
        !record.supersedes(old)
      {
        #expect(result == .outdated)
      } else {
        #expect(result == .stored)
        model[record.key, default: [:]][record.slot] = record
      }
      let all = keys.flatMap { store.entries(under: $0).map(\.record) }
      #expect(Set(all) == Set(model.values.flatMap(\.values)), "step \(step)")
      #expect(store.count == all.count)
    }
  }
}
