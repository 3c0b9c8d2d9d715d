import Cryptography
import DHT
import Simulation
import Testing
import Wire

/// Many nodes on the virtual network; the seed is the test's argument and repeats a failure.
@Suite struct DHTSimulationTests {
  /// A network whose nodes joined through the first one, a few at a time.
  static func network(
    nodes: Int, seed: UInt64, settings: KademliaSettings = KademliaSettings()
  ) -> VirtualNetwork {
    var network = VirtualNetwork(seed: seed)
    network.add(settings: settings)
    let first = network.nodes[0].contact
    for _ in 1..<nodes {
      let index = network.add(settings: settings)
      _ = network.begin(.join([first]), at: index)
      network.run(for: .milliseconds(100))
    }
    network.run(for: .seconds(60))
    return network
  }

  static func record(
    _ network: inout VirtualNetwork, life: Int64 = 86_400, publisher: PublicKey? = nil,
    key: Bytes32? = nil
  ) -> Record {
    let key = key ?? Bytes32.random(using: &network.random)
    let publisher = publisher ?? PublicKey(Bytes32.random(using: &network.random))
    let slot = Bytes32.random(using: &network.random)
    return OpenRecords.make(
      key: key, publisher: publisher, slot: slot,
      expires: network.clock.wall + .seconds(life))
  }

  /// Puts a record from a node; returns on how many it is stored.
  static func put(_ records: [Record], from index: Int, in network: inout VirtualNetwork) -> [Int] {
    let id = network.begin(.put(records), at: index)
    guard network.run(untilEndOf: id, at: index),
      case .stored(let counts)? = network.outcome(of: id, at: index)
    else { return [] }
    return counts
  }

  /// Gets keys at a node, ended by the first record of each.
  static func get(
    _ keys: [Bytes32], at index: Int, in network: inout VirtualNetwork, issuers: [UInt64] = [],
    accept: @escaping Acceptance = { _, records in !records.isEmpty }
  ) -> [Outcome.Found] {
    let id = network.begin(
      .get(keys: keys, kind: .statement, issuers: issuers, accept: accept), at: index)
    guard network.run(untilEndOf: id, at: index),
      case .records(let found)? = network.outcome(of: id, at: index)
    else { return [] }
    return found
  }

  @Test(arguments: [1, 2] as [UInt64])
  func everyPutIsFoundByEveryReader(seed: UInt64) {
    var network = Self.network(nodes: 120, seed: seed)
    var records: [Record] = []
    for index in 0..<20 {
      let record = Self.record(&network)
      let stored1 = Self.put([record], from: index, in: &network)
      #expect(stored1.first ?? 0 >= 14)
      records.append(record)
    }
    for (index, record) in records.enumerated() {
      let found = Self.get([record.key], at: 119 - index, in: &network)
      #expect(found.first?.records == [record])
    }
  }

  @Test func twoNodesAreANetwork() {
    var network = Self.network(nodes: 2, seed: 3)
    let record = Self.record(&network)
    let stored2 = Self.put([record], from: 1, in: &network)
    #expect(stored2 == [1])
    let found3 = Self.get([record.key], at: 0, in: &network)
    #expect(found3.first?.isAccepted == true)
  }

  @Test func aNodeAloneEndsItsRequests() {
    var network = Self.network(nodes: 2, seed: 4)
    network.setAlive(false, [0])
    let record = Self.record(&network)
    let stored4 = Self.put([record], from: 1, in: &network)
    #expect(stored4 == [0])
    let other = Self.record(&network)
    let found5 = Self.get([other.key], at: 1, in: &network)
    #expect(found5.first?.isAccepted == false)
  }

  @Test func recordsSurviveThirtyPercentSilentlyDead() {
    var network = Self.network(nodes: 200, seed: 5)
    var records: [Record] = []
    for index in 0..<20 {
      let record = Self.record(&network)
      _ = Self.put([record], from: index, in: &network)
      records.append(record)
    }
    network.setAlive(false, 40..<100)
    var worst = Duration.zero
    for (index, record) in records.enumerated() {
      let before = network.clock.now
      let found = Self.get([record.key], at: 199 - index, in: &network)
      #expect(found.first?.records == [record])
      worst = max(worst, network.clock.now - before)
    }
    #expect(worst < .seconds(3))
  }

  @Test func lossOnlySlows() {
    var network = Self.network(nodes: 128, seed: 6)
    network.conditions.loss = 0.05
    for index in 0..<20 {
      let record = Self.record(&network)
      let before = network.clock.now
      let stored6 = Self.put([record], from: index, in: &network)
      #expect(stored6.first ?? 0 >= 12)
      #expect(network.clock.now - before < .seconds(5))
      let found = Self.get([record.key], at: 127 - index, in: &network)
      #expect(found.first?.records == [record])
    }
  }

  @Test func aHealedPartitionIsOneNetworkAgain() {
    var network = Self.network(nodes: 80, seed: 7)
    network.setSide(1, 0..<40)
    network.run(for: .seconds(40 * 60))
    let record = Self.record(&network)
    _ = Self.put([record], from: 3, in: &network)
    let found7 = Self.get([record.key], at: 70, in: &network)
    #expect(found7.first?.isAccepted == false)
    network.setSide(0, 0..<40)
    network.run(for: .seconds(2 * 3_600))
    let found8 = Self.get([record.key], at: 70, in: &network)
    #expect(found8.first?.records == [record])
  }

  @Test func manyKeysShareTheirCalls() {
    var network = Self.network(nodes: 150, seed: 8)
    var records: [Record] = []
    for _ in 0..<200 { records.append(Self.record(&network)) }
    let counts = Self.put(records, from: 0, in: &network)
    #expect(counts.count == 200)
    #expect(counts.allSatisfy { $0 >= 12 })
    let before = network.requestCount
    let found = Self.get(records.map(\.key), at: 149, in: &network)
    #expect(found.count { $0.isAccepted } == 200)
    let perKey = Double(network.requestCount - before) / 200
    #expect(perKey < 2.5, "\(perKey) requests a key")
  }

  @Test func junkOfStrangersDoesNotDisplaceTheTrusted() {
    var network = Self.network(nodes: 100, seed: 9)
    let issuer = PublicKey(Bytes32.random(using: &network.random))
    let trusted = Self.record(&network, publisher: issuer)
    _ = Self.put([trusted], from: 0, in: &network)
    for index in 1..<41 {
      var junk: [Record] = []
      for _ in 0..<25 { junk.append(Self.record(&network, key: trusted.key)) }
      _ = Self.put(junk, from: index, in: &network)
    }
    let before = network.requestCount
    let found = Self.get(
      [trusted.key], at: 99, in: &network, issuers: [issuer.prefix],
      accept: { _, records in records.contains { $0.publisher == issuer } })
    #expect(found.first?.records == [trusted])
    #expect(network.requestCount - before <= 24)
  }

  @Test func expiredRecordsAreGone() {
    var network = Self.network(nodes: 60, seed: 10)
    let record = Self.record(&network, life: 600)
    _ = Self.put([record], from: 0, in: &network)
    network.run(for: .seconds(700))
    let found9 = Self.get([record.key], at: 50, in: &network)
    #expect(found9.first?.records == [])
    #expect(network.nodes.allSatisfy { $0.machine.status.records == 0 })
  }

  @Test func replicasRepairWhatTheDeadTookWithThem() {
    var network = Self.network(nodes: 120, seed: 11)
    var records: [Record] = []
    for index in 0..<10 {
      let record = Self.record(&network, life: 7 * 86_400)
      _ = Self.put([record], from: index, in: &network)
      records.append(record)
    }
    // Two thirds of the network go, in four waves with a repair between them.
    for wave in 0..<4 {
      network.setAlive(false, 20 + wave * 20..<40 + wave * 20)
      network.run(for: .seconds(3_600))
    }
    for (index, record) in records.enumerated() {
      let found10 = Self.get([record.key], at: 119 - index, in: &network)
      #expect(found10.first?.records == [record])
    }
  }

  @Test func clientsAreServedButNeverAsked() {
    var network = Self.network(nodes: 40, seed: 12)
    var settings = KademliaSettings()
    settings.isClient = true
    let client = network.add(settings: settings)
    let id = network.begin(.join([network.nodes[0].contact]), at: client)
    let hasEnded = network.run(untilEndOf: id, at: client)
    #expect(hasEnded)
    let record = Self.record(&network)
    let stored11 = Self.put([record], from: client, in: &network)
    #expect(stored11.first ?? 0 >= 14)
    let found12 = Self.get([record.key], at: 20, in: &network)
    #expect(found12.first?.records == [record])
    network.run(for: .seconds(3_600))
    let key = network.nodes[client].contact.key
    for node in network.nodes {
      #expect(!node.machine.contactsToSave(limit: 1_000).contains { $0.key == key })
    }
    #expect(network.nodes[client].machine.status.records == 0)
  }

  @Test func aTombstoneTakesItsRecordsPlace() {
    var network = Self.network(nodes: 60, seed: 13)
    let record = Self.record(&network)
    _ = Self.put([record], from: 0, in: &network)
    let withdrawn = OpenRecords.make(
      key: record.key, publisher: record.publisher, slot: record.slot, sequence: 2,
      expires: record.expires)
    _ = Self.put([withdrawn], from: 1, in: &network)
    // The old one comes back from somebody who kept it: it is outdated where it belongs.
    _ = Self.put([record], from: 2, in: &network)
    let nodes = network.nodes.sorted {
      $0.contact.id.bytes ^ record.key < $1.contact.id.bytes ^ record.key
    }
    for node in nodes.prefix(16) {
      #expect(node.machine.keptRecords(under: record.key) == [withdrawn])
    }
    let found14 = Self.get([record.key], at: 50, in: &network)
    #expect(found14.first?.records == [withdrawn])
  }

  @Test func oneSeedGivesOneTrace() {
    func trace(_ seed: UInt64) -> TraceDigest {
      var network = Self.network(nodes: 60, seed: seed)
      network.conditions.loss = 0.02
      for index in 0..<5 {
        let record = Self.record(&network)
        _ = Self.put([record], from: index, in: &network)
        _ = Self.get([record.key], at: 59 - index, in: &network)
      }
      return network.trace
    }
    #expect(trace(14) == trace(14))
    #expect(trace(14) != trace(15))
  }

  @Test func idleNodesSayLittle() {
    var network = Self.network(nodes: 60, seed: 16)
    network.run(for: .seconds(600))
    let before = network.requestCount
    network.run(for: .seconds(3_600))
    let perNode = Double(network.requestCount - before) / 60
    #expect(perNode < 240, "\(perNode) requests an hour")
  }
}
