import Cryptography
import DHT
import Glibc
import PeerNetwork
import Wire

/// The DHT beside others, on real sockets: a network of nodes in one process, in the namespace and
/// behind the delays that `Benchmarks/dht` makes.
///
/// Nodes join, rest, put values, get them elsewhere, lose a share of themselves and get them again.
/// The one line on standard output is a `BenchReport`.
@main
struct DHTBenchmark {
  typealias Phase = BenchReport.Phase
  let options: BenchOptions

  static func main() async throws {
    guard let options = BenchOptions(Array(CommandLine.arguments.dropFirst())) else {
      print("usage: bench-dht [--nodes N] [--ops N] [--size BYTES] ... (see Benchmarks/dht)")
      exit(2)
    }
    print(try await DHTBenchmark(options: options).run().json)
  }

  private func run() async throws -> BenchReport {
    var random = SplitMix64(seed: options.seed)
    let base = Meter.memoryKiB("Rss")
    let own = Meter.memoryKiB("Anonymous")
    var made: [BenchNode] = []
    for number in 0..<options.nodes { made.append(try BenchNode(number: number, using: &random)) }
    let nodes = made
    var choices = random
    return try await withThrowingTaskGroup(of: Void.self) { group in
      let began = Meter.read()
      var joins = Joins()
      for node in nodes {
        try await node.service.start()
        group.addTask { await node.run() }
        if node.number > 0 {
          await node.service.bootstrap([nodes[0].peer])
          joins.waiting.append((node, .now))
        }
        try await Task.sleep(for: .milliseconds(20))
        await joins.look()
      }
      await joins.wait(atMost: .seconds(options.bootLimit))
      var bootstrap = Phase(joins.results, from: began, to: .read(), rest: Phase.Rates())
      bootstrap.totalS = bootstrap.wallS
      say("\(nodes.count) nodes are up after \(bootstrap.wallS) s")
      try await Task.sleep(for: .seconds(options.settle))
      let (rest, rates) = try await idle()
      let memory = (Meter.memoryKiB("Rss") - base) / nodes.count
      let further = (Meter.memoryKiB("Anonymous") - own) / nodes.count
      let operations = try makeOperations(nodes, &choices)
      say("puts")
      let put = await measure(operations, rates) { await self.put($0) }
      try await Task.sleep(for: .seconds(1))
      say("gets")
      let get = await measure(readers(operations, among: nodes, &choices), rates) {
        await self.get($0)
      }
      let alive = try await fallSilent(nodes, &choices)
      say("gets with \(nodes.count - alive.count) nodes gone")
      let after = await measure(readers(operations, among: alive, &choices), rates) {
        await self.get($0)
      }
      group.cancelAll()
      return BenchReport(
        args: options, bootstrap: bootstrap, idle: rest, rssKibPerNode: memory,
        kibPerFurtherNode: further, put: put, get: get, getAfterKill: after)
    }
  }

  /// A value, and the node that puts or gets it.
  private struct Operation: Sendable {
    let node: BenchNode
    let statement: BenchStatement
  }

  private func makeOperations(
    _ nodes: [BenchNode], _ random: inout SplitMix64
  ) throws -> [Operation] {
    let expires = DHTService.systemTime() + .seconds(86_400)
    var operations: [Operation] = []
    for _ in 0..<options.ops {
      let node = nodes[Int.random(in: 0..<nodes.count, using: &random)]
      let statement = try BenchStatement(size: options.size, expires: expires, using: &random)
      operations.append(Operation(node: node, statement: statement))
    }
    return operations
  }

  /// The same values at other nodes than those that put them.
  private func readers(
    _ puts: [Operation], among nodes: [BenchNode], _ random: inout SplitMix64
  ) -> [Operation] {
    puts.map { put in
      let others = nodes.filter { $0.number != put.node.number }
      let reader = others[Int.random(in: 0..<others.count, using: &random)]
      return Operation(node: reader, statement: put.statement)
    }
  }

  private func put(_ operation: Operation) async -> OperationResult {
    let began = ContinuousClock.now
    let counts = await operation.node.service.publish(statements: [operation.statement.bytes])
    let storedOn = counts.first ?? 0
    return OperationResult(
      isGood: storedOn > 0, time: ContinuousClock.now - began, storedOn: storedOn)
  }

  private func get(_ operation: Operation) async -> OperationResult {
    let statement = operation.statement
    let began = ContinuousClock.now
    let found = await operation.node.service.statements(
      for: [statement.key], issuers: [statement.issuer]
    ) { _, statements in !statements.isEmpty }
    let isGood = found[statement.key] == [statement.bytes]
    return OperationResult(isGood: isGood, time: ContinuousClock.now - began)
  }

  /// Runs operations, `concurrency` at a time, and measures the phase.
  private func measure(
    _ operations: [Operation], _ rates: Phase.Rates,
    _ run: @escaping @Sendable (Operation) async -> OperationResult
  ) async -> Phase {
    let start = Meter.read()
    var results: [OperationResult] = []
    let limit = Duration.seconds(options.opLimit)
    await withTaskGroup(of: OperationResult.self) { group in
      var rest = operations[...]
      for operation in rest.prefix(options.concurrency) { group.addTask { await run(operation) } }
      rest = rest.dropFirst(options.concurrency)
      while let result = await group.next() {
        results.append(result.time <= limit ? result : OperationResult(isGood: false, time: limit))
        if let next = rest.popFirst() { group.addTask { await run(next) } }
      }
    }
    return Phase(results, from: start, to: .read(), rest: rates)
  }

  /// How long each node takes to have a contact that answers.
  private struct Joins {
    var waiting: [(node: BenchNode, since: ContinuousClock.Instant)] = []
    var results: [OperationResult] = []

    /// Notes who has joined since the last look.
    mutating func look() async {
      var still: [(node: BenchNode, since: ContinuousClock.Instant)] = []
      for (node, since) in waiting {
        if await node.service.snapshot.isJoined {
          results.append(OperationResult(isGood: true, time: ContinuousClock.now - since))
        } else {
          still.append((node, since))
        }
      }
      waiting = still
    }

    mutating func wait(atMost limit: Duration) async {
      let end = ContinuousClock.now + limit
      while !waiting.isEmpty, ContinuousClock.now < end {
        try? await Task.sleep(for: .milliseconds(20))
        await look()
      }
      for _ in waiting { results.append(OperationResult(isGood: false, time: .zero)) }
    }
  }

  private func idle() async throws -> (BenchReport.Rest, Phase.Rates) {
    let start = Meter.read()
    try await Task.sleep(for: .seconds(options.idle))
    let end = Meter.read()
    let seconds = (end.at - start.at) / .seconds(1)
    let rates = Phase.Rates(
      packets: (end.packets - start.packets) / seconds, bytes: (end.bytes - start.bytes) / seconds)
    let nodes = Double(options.nodes)
    let rest = BenchReport.Rest(
      packetsPerSPerNode: (rates.packets / nodes * 1e3).rounded() / 1e3,
      bytesPerSPerNode: Phase.rounded(rates.bytes / nodes))
    return (rest, rates)
  }

  /// Ends a share of the nodes without a word; the first is spared, as everywhere.
  private func fallSilent(
    _ nodes: [BenchNode], _ random: inout SplitMix64
  ) async throws -> [BenchNode] {
    let victims = nodes.dropFirst().shuffled(using: &random)
      .prefix(Int(options.kill * Double(options.nodes)))
    for node in victims { node.fallSilent() }
    try await Task.sleep(for: .milliseconds(500))
    for node in victims { BenchNode.hold(node.number) }
    let gone = Set(victims.map(\.number))
    return nodes.filter { !gone.contains($0.number) }
  }

  private func say(_ text: String) {
    let line = Array("bench-dht: \(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}
