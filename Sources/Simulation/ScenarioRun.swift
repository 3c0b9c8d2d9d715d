import Cryptography
import DHT
import Wire

/// One run of a scenario: builds the network, lets the story happen and measures.
public struct ScenarioRun {
  /// What was told.
  public let options: ScenarioOptions
  /// The network.
  public internal(set) var network: VirtualNetwork
  /// The figures so far.
  public internal(set) var report = ScenarioReport()
  let progress: (String) -> Void
  var settings = KademliaSettings()
  /// Whether nodes behind NATs put and get too.
  var readsAnywhere = false
  private let memoryBefore: Int
  private let processorBefore: Double

  /// A run that has not begun; `progress` hears a line now and then.
  public init(options: ScenarioOptions, progress: @escaping (String) -> Void = { _ in }) {
    self.options = options
    self.progress = progress
    memoryBefore = ProcessUsage.residentBytes
    processorBefore = ProcessUsage.processorSeconds
    network = VirtualNetwork(seed: options.seed, size: options.nodes)
    report.nodes = options.nodes
    report.seed = options.seed
  }

  /// Runs a scenario to its end.
  public mutating func run(_ scenario: Scenario) -> ScenarioReport {
    report.scenario = scenario.rawValue
    switch scenario {
    case .lookup: lookup()
    case .many: many()
    case .churn: churn()
    case .partition: partition()
    case .hostile: hostile()
    case .eclipse: eclipse()
    case .junk: junk()
    case .flood: flood()
    case .nat: nat()
    }
    report.trace = network.trace.description
    report.cpuSeconds = ProcessUsage.processorSeconds - processorBefore
    return report
  }

  /// How many look-ups are measured.
  var lookupCount: Int { options.lookups ?? (options.nodes >= 1_000 ? 1_000 : 100) }

  /// Adds the nodes, each joining through one that is there, and lets their tables fill.
  mutating func build(settling: Duration = .seconds(900)) {
    network.add(settings: settings, at: network.freshAddress())
    let spacing = min(Duration.milliseconds(100), .seconds(600) / max(1, options.nodes))
    for count in 1..<max(2, options.nodes) {
      let entry = network.nodes[network.anyNode()].contact
      let index = network.add(settings: settings, at: network.freshAddress())
      network.start(.join([entry]), at: index)
      network.run(for: spacing)
      if count % 5_000 == 0 { progress("\(count) nodes have joined") }
    }
    settle(settling)
  }

  /// Lets a span pass in ten steps.
  mutating func settle(_ span: Duration) {
    for _ in 0..<10 { network.run(for: span / 10) }
    progress("settled; \(tableText)")
  }

  /// The mean number of contacts in a table, as text.
  var tableText: String {
    var contacts = 0
    var answering = 0
    var sampled = 0
    for index in stride(from: 0, to: network.nodes.count, by: max(1, network.nodes.count / 500))
    where network.nodes[index].isAlive {
      let status = network.nodes[index].machine.status
      contacts += status.contacts
      answering += status.liveContacts
      sampled += 1
    }
    let count = Double(max(1, sampled))
    let size = ScenarioReport.text(Double(contacts) / count)
    return "\(size) contacts a node, \(ScenarioReport.text(Double(answering) / count)) live"
  }

  /// A record under a random key.
  mutating func makeRecord(
    key: Bytes32? = nil, publisher: PublicKey? = nil, slot: Bytes32? = nil, sequence: UInt64 = 1,
    size: Int = 500, life: Int64 = 7 * 86_400
  ) -> Record {
    OpenRecords.make(
      key: key ?? .random(using: &network.random),
      publisher: publisher ?? PublicKey(.random(using: &network.random)),
      slot: slot ?? .random(using: &network.random), sequence: sequence,
      expires: network.clock.wall + .seconds(life), size: size)
  }

  /// Puts new records from random nodes, twenty at a time; returns them.
  mutating func putRecords(_ count: Int, size: Int = 500) -> [Record] {
    var records: [Record] = []
    var stored: [Int] = []
    var spans: [Double] = []
    var requests: [Double] = []
    let roundTrip = network.meanRoundTrip().inSeconds
    while records.count < count {
      var running: [(id: RequestID, node: Int, sent: UInt64)] = []
      let began = network.clock.now
      for _ in 0..<min(20, count - records.count) {
        let record = makeRecord(size: size)
        let node = network.anyNode(isOpen: !readsAnywhere)
        let sent = network.nodes[node].machine.counters.requestsSent
        running.append((network.begin(.put([record]), at: node), node, sent))
        records.append(record)
      }
      for put in running {
        _ = network.run(untilEndOf: put.id, at: put.node)
        if case .stored(let counts)? = network.outcome(of: put.id, at: put.node) {
          stored.append(counts.first ?? 0)
        }
        if let end = network.end(of: put.id, at: put.node) {
          spans.append((end - began).inSeconds / roundTrip)
        }
        let sent = network.nodes[put.node].machine.counters.requestsSent
        requests.append(Double(sent) - Double(put.sent))
        network.forget(put.id, at: put.node)
      }
    }
    let copies = stored.reduce(0, +)
    let mean = ScenarioReport.text(Double(copies) / Double(max(1, stored.count)))
    let least = stored.min() ?? 0
    report.notes.append(
      "puts: \(records.count), stored on \(mean) nodes (least \(least)), "
        + "RPCs p50 \(ScenarioReport.text(requests.percentile(0.5))), RTTs p50 "
        + "\(ScenarioReport.text(spans.percentile(0.5))) p95 "
        + "\(ScenarioReport.text(spans.percentile(0.95)))")
    progress(report.notes.last ?? "")
    return records
  }

  /// Gets records at random nodes, `width` at a time, and notes how it went.
  mutating func getRecords(_ records: [Record], width: Int = 20, note: Bool = true) -> Double {
    let roundTrip = network.meanRoundTrip().inSeconds
    var spans: [Double] = []
    var requests: [Double] = []
    var found = 0
    var rest = records[...]
    while !rest.isEmpty {
      let batch = rest.prefix(width)
      rest = rest.dropFirst(batch.count)
      var running: [(id: RequestID, node: Int, sent: UInt64, record: Record)] = []
      let began = network.clock.now
      for record in batch {
        let node = network.anyNode(isOpen: !readsAnywhere)
        let sent = network.nodes[node].machine.counters.requestsSent
        let publisher = record.publisher
        let request = Request.get(
          keys: [record.key], kind: .statement, issuers: [publisher.prefix],
          accept: { _, records in records.contains { $0.publisher == publisher } })
        running.append((network.begin(request, at: node), node, sent, record))
      }
      for get in running {
        _ = network.run(untilEndOf: get.id, at: get.node)
        if case .records(let answers)? = network.outcome(of: get.id, at: get.node),
          answers.first?.isAccepted == true
        {
          found += 1
          if let end = network.end(of: get.id, at: get.node) {
            spans.append((end - began).inSeconds / roundTrip)
          }
        }
        let sent = network.nodes[get.node].machine.counters.requestsSent
        requests.append(Double(sent) - Double(get.sent))
        network.forget(get.id, at: get.node)
      }
    }
    let success = Double(found) / Double(max(1, records.count))
    guard note else { return success }
    report.lookups = records.count
    report.success = success
    report.rpcsPerLookupP50 = requests.percentile(0.5)
    report.rpcsPerLookupMean = requests.reduce(0, +) / Double(max(1, requests.count))
    report.rttsP50 = spans.percentile(0.5)
    report.rttsP95 = spans.percentile(0.95)
    return success
  }

  /// Measures what nodes send while nobody asks for anything.
  mutating func measureUpkeep(_ span: Duration) {
    let before = network.byteCount
    let requests = network.requestCount
    network.run(for: span)
    let nodes = network.nodes.count { $0.isAlive }
    let sent = Double(network.byteCount - before) / Double(max(1, nodes))
    report.upkeepBytesPerSecond = sent / span.inSeconds
    let rate = Double(network.requestCount - requests) / Double(max(1, nodes)) / span.inSeconds
    report.notes.append("upkeep: \(ScenarioReport.text(rate * 60)) requests a minute and node")
    progress(report.notes.last ?? "")
  }

  /// Measures memory and how well the nodes guess the network's size.
  mutating func measureNodes() {
    let nodes = network.nodes.count { $0.isAlive }
    report.memoryBytesPerNode =
      Double(ProcessUsage.residentBytes - memoryBefore) / Double(max(1, nodes))
    var error = 0.0
    var count = 0
    for node in network.nodes where node.isAlive && !node.isLiar {
      let estimate = node.machine.networkSize(now: network.clock.now)
      error += abs(estimate - Double(nodes)) / Double(nodes)
      count += 1
    }
    report.sizeEstimateError = error / Double(max(1, count))
    report.notes.append(tableText)
  }
}

extension [Double] {
  /// The value below which this part of the values lies; 0 for none.
  func percentile(_ part: Double) -> Double {
    guard !isEmpty else { return 0 }
    let sorted = self.sorted()
    return sorted[Swift.min(sorted.count - 1, Int((part * Double(sorted.count - 1)).rounded()))]
  }
}
