import DHT
import Simulation
import Testing
import Wire

/// What happens when a link comes back, with nothing but the machine itself.
@Suite struct RecoveryTests {
  @Test(arguments: [60, 7_200])
  func aNodeWhoseLinkWasDownFindsAgainWithinSeconds(outage: Int) {
    var network = DHTSimulationTests.network(nodes: 40, seed: 17)
    let record = DHTSimulationTests.record(&network)
    _ = DHTSimulationTests.put([record], from: 3, in: &network)
    network.setSide(1, [30])
    network.run(for: .seconds(outage))
    let during = DHTSimulationTests.get([record.key], at: 30, in: &network)
    // It may keep the record itself; from others it gets nothing.
    let keeps = network.nodes[30].machine.status.records > 0
    #expect(during.first?.isAccepted == keeps)
    network.setSide(0, [30])
    network.run(for: .seconds(10))
    let other = DHTSimulationTests.record(&network)
    let stored = DHTSimulationTests.put([other], from: 30, in: &network)
    #expect(stored.first ?? 0 >= 12)
    let found = DHTSimulationTests.get([record.key], at: 30, in: &network)
    #expect(found.first?.records == [record])
  }

  @Test func anOutageOfAllIsForgivenByAll() {
    var network = DHTSimulationTests.network(nodes: 40, seed: 18)
    let record = DHTSimulationTests.record(&network)
    _ = DHTSimulationTests.put([record], from: 3, in: &network)
    network.conditions.loss = 1
    network.run(for: .seconds(1_800))
    network.conditions.loss = 0
    network.run(for: .seconds(30))
    let found = DHTSimulationTests.get([record.key], at: 35, in: &network)
    #expect(found.first?.records == [record])
    for node in network.nodes { #expect(!node.machine.isIsolated) }
  }
}

extension RecoveryTests {
  /// Of twenty records, those still found after each node went about three times within half an hour,
  /// which is too short for repair.
  static func found(gracefulShare: Double) -> Int {
    var network = DHTSimulationTests.network(nodes: 40, seed: 19)
    var records: [Record] = []
    for index in 0..<20 {
      let record = DHTSimulationTests.record(&network)
      _ = DHTSimulationTests.put([record], from: index, in: &network)
      records.append(record)
    }
    network.setChurn(
      Churn(session: .exponential(mean: .seconds(300)), gracefulShare: gracefulShare))
    network.run(for: .seconds(900))
    network.setChurn(nil)
    var found = 0
    for (index, record) in records.enumerated() {
      let answer = DHTSimulationTests.get([record.key], at: 20 + index, in: &network)
      if answer.first?.isAccepted == true { found += 1 }
    }
    return found
  }

  @Test func whoGoesByIntentLeavesItsRecordsToOthers() {
    let graceful = Self.found(gracefulShare: 1)
    let crashing = Self.found(gracefulShare: 0)
    #expect(graceful >= 19)
    #expect(crashing < graceful)
  }
}
