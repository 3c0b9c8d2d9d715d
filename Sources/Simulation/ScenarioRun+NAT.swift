import Cryptography
import DHT
import Wire

/// The story of a network in which most nodes are behind NATs.
extension ScenarioRun {
  /// The bootstrap peers, which are open and servers by configuration.
  private static let bootstrapPeers = 4
  /// The part of the other nodes that is of each kind.
  private static let shares: [(kind: NATKind, share: Double)] = [
    (.open, 0.3), (.cone, 0.2), (.restricted, 0.3), (.symmetric, 0.2),
  ]

  mutating func nat() {
    buildBehindNATs()
    report.notes.append(roleText)
    progress(roleText)
    measureNodes()
    // A client's guess of the size is as good as a server's; who is no server is not counted by it.
    report.sizeEstimateError = nil
    measureUpkeep(.seconds(600))
    readsAnywhere = true
    let records = putRecords(lookupCount)
    _ = getRecords(records)
    punchPairs()
  }

  private mutating func buildBehindNATs() {
    var entries: [Contact] = []
    for _ in 0..<Self.bootstrapPeers {
      let index = network.add(settings: settings, at: network.freshAddress())
      entries.append(network.nodes[index].contact)
      network.start(.join(entries), at: index)
    }
    var proving = settings
    proving.provesReach = true
    let spacing = min(Duration.milliseconds(100), .seconds(600) / max(1, options.nodes))
    for count in Self.bootstrapPeers..<max(Self.bootstrapPeers + 1, options.nodes) {
      var draw = Double.random(in: 0..<1, using: &network.random)
      let kind = Self.shares.first {
        draw -= $0.share
        return draw < 0
      }
      let index = network.add(
        settings: proving, at: network.freshAddress(), nat: kind?.kind ?? .open)
      network.start(.join(entries), at: index)
      network.run(for: spacing)
      if count % 5_000 == 0 { progress("\(count) nodes have joined") }
    }
    // With few servers nearly everybody was written to of late, so that finding out takes an hour.
    for _ in 0..<(options.nodes < 200 ? 5 : 8) {
      network.run(for: .seconds(900))
      progress(roleText)
    }
  }

  /// Who serves, and who is in tables although nobody can reach it.
  private var roleText: String {
    var serving: [NATKind: Int] = [:]
    var all: [NATKind: Int] = [:]
    var undialable = 0
    for node in network.nodes {
      all[node.nat, default: 0] += 1
      if node.machine.status.isServer { serving[node.nat, default: 0] += 1 }
      for contact in node.machine.contactsToSave(limit: .max) {
        guard let index = network.index(of: contact.address) else { continue }
        switch network.nodes[index].nat {
        case .open, .cone: break
        case .restricted, .symmetric: undialable += 1
        }
      }
    }
    let parts = NATKind.allCases.map { "\($0) \(serving[$0, default: 0])/\(all[$0, default: 0])" }
    return "servers: \(parts.joined(separator: ", ")); "
      + "undialable nodes in tables: \(undialable)"
  }

  /// Lets clients of each kind reach clients of each kind, and notes how often it worked.
  private mutating func punchPairs() {
    var places: [NATKind: [Int]] = [:]
    for (index, node) in network.nodes.enumerated() where node.isAlive {
      places[node.nat, default: []].append(index)
    }
    for from in NATKind.allCases {
      var parts: [String] = []
      for to in [NATKind.restricted, .symmetric] {
        var worked = 0
        var tried = 0
        var spans: [Double] = []
        for _ in 0..<20 {
          guard let one = places[from]?.randomElement(using: &network.random),
            let other = places[to]?.randomElement(using: &network.random), one != other
          else { continue }
          tried += 1
          let began = network.clock.now
          let key = network.nodes[other].contact.key
          let id = network.begin(.punch(key), at: one)
          _ = network.run(untilEndOf: id, at: one)
          if case .contacts(let found)? = network.outcome(of: id, at: one), !found.isEmpty {
            worked += 1
            if let end = network.end(of: id, at: one) { spans.append((end - began).inSeconds) }
          }
          network.forget(id, at: one)
          network.run(for: .seconds(5))
        }
        let time = ScenarioReport.text(spans.percentile(0.5))
        parts.append("\(to) \(worked)/\(tried)" + (worked > 0 ? " (p50 \(time) s)" : ""))
      }
      report.notes.append("punches from \(from) to \(parts.joined(separator: ", "))")
      progress(report.notes.last ?? "")
    }
  }
}
