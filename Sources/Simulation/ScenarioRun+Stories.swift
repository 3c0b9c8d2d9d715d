import Cryptography
import DHT
import Wire

/// The stories of a network in which nobody lies.
extension ScenarioRun {
  mutating func lookup() {
    build()
    measureNodes()
    measureUpkeep(options.nodes > 50_000 ? .seconds(600) : .seconds(1_800))
    let records = putRecords(lookupCount)
    _ = getRecords(records)
  }

  mutating func many() {
    if !options.keepsDestinationLimit {
      settings.newDestinationsPerSecond = 1_000_000
      settings.newDestinationBurst = 1_000_000
    }
    build()
    measureNodes()
    let records = putRecords(300, size: 1_000)
    // The readers' memory of destinations is of their upkeep only.
    network.run(for: .seconds(300))
    let roundTrip = network.meanRoundTrip().inSeconds
    var requests = 0.0
    var rounds: [Double] = []
    var depths: [Double] = []
    var spans: [Double] = []
    var found = 0
    let readers = min(5, options.nodes)
    for _ in 0..<readers {
      let node = network.anyNode()
      let sent = network.nodes[node].machine.counters.requestsSent
      let began = network.clock.now
      let id = network.begin(
        .get(
          keys: records.map(\.key), kind: .statement, issuers: [],
          accept: { _, records in !records.isEmpty }), at: node)
      _ = network.run(untilEndOf: id, at: node, limit: .seconds(600))
      if case .records(let answers)? = network.outcome(of: id, at: node) {
        found += answers.count { $0.isAccepted }
        rounds.append(Double(answers.map(\.rounds).max() ?? 0))
        depths += answers.map { Double($0.rounds) }
      }
      if let end = network.end(of: id, at: node) {
        let span = (end - began).inSeconds
        report.notes.append(
          "300 keys took \(ScenarioReport.text(span)) s, "
            + "\(ScenarioReport.text(span / roundTrip)) RTTs")
        spans.append(span / roundTrip)
      }
      requests += Double(network.nodes[node].machine.counters.requestsSent - sent)
    }
    report.lookups = readers * records.count
    report.success = Double(found) / Double(readers * records.count)
    report.rpcsPerKey = requests / Double(readers * records.count)
    report.rounds = rounds.reduce(0, +) / Double(max(1, rounds.count))
    report.rttsP50 = spans.percentile(0.5)
    report.rttsP95 = spans.percentile(0.95)
    report.notes.append(
      "dependent rounds of a key: p50 \(ScenarioReport.text(depths.percentile(0.5))), "
        + "p95 \(ScenarioReport.text(depths.percentile(0.95)))")
  }

  mutating func churn() {
    build()
    measureNodes()
    let records = putRecords(lookupCount)
    let session: Churn.Session =
      options.isWeibull
      ? .weibull(shape: 0.5, scale: .seconds(2_597)) : .exponential(mean: .seconds(5_194))
    network.setChurn(Churn(session: session, gracefulShare: 0.2), settings: settings)
    let span = options.churnSpan ?? .seconds(options.nodes >= 50_000 ? 1_800 : 7_200)
    let steps = 4
    for step in 1...steps {
      network.run(for: span / steps)
      progress("churn \(step)/\(steps): \(network.departures) nodes replaced; \(tableText)")
    }
    measureUpkeep(.seconds(600))
    measureNodes()
    _ = getRecords(records)
  }

  mutating func partition() {
    build()
    let records = putRecords(lookupCount)
    network.setSide(1, 0..<options.nodes / 2)
    network.run(for: .seconds(2_400))
    let apart = getRecords(records, note: false)
    report.notes.append("found while in halves: \(ScenarioReport.text(apart))")
    let during = putRecords(lookupCount / 4)
    network.setSide(0, 0..<options.nodes / 2)
    network.run(for: .seconds(3_600))
    progress("an hour after the halves met: \(tableText)")
    measureNodes()
    _ = getRecords(records + during)
  }
}
