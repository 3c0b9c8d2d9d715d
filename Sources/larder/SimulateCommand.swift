import ArgumentParser
import Node
import Simulation

/// `larder simulate`
struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Run the DHT of thousands of nodes in this process and measure it.",
    discussion: """
      Nothing is sent: time, network and nodes are virtual, and one seed always gives one trace.
      Example: larder simulate --scenario churn --nodes 1000 --seed 7 --json | jq .success
      """)

  @Option(
    help: "One of \(Scenario.allCases.map(\.rawValue).joined(separator: ", ")).")
  var scenario = "lookup"
  @Option(help: "The nodes of the network.") var nodes = 1_000
  @Option(help: "The number from which everything random follows.") var seed: UInt64 = 1
  @Option(help: "Look-ups to measure; by default as many as suits the network.") var lookups: Int?
  @Option(help: "The part of the nodes that lies, for hostile.") var hostileShare = 0.2
  @Option(help: "The networks that the attackers are in, for eclipse.") var networks = 16
  @Flag(help: "Open any number of destinations at once, for many.") var unlimited = false
  @Flag(help: "Weibull sessions with many short ones, for churn.") var weibull = false
  @Option(help: "Repeat a journal that a daemon with dht.journal wrote, instead of a scenario.")
  var replay: String?
  @Flag(help: "Print one JSON object.") var json = false

  func validate() throws {
    guard Scenario(rawValue: scenario) != nil else {
      throw ValidationError("there is no scenario \(scenario); see larder simulate --help")
    }
    guard (32...1_000_000).contains(nodes) else {
      throw ValidationError("--nodes must be from 32 to 1000000")
    }
    guard lookups.map({ $0 > 0 }) ?? true, (0...0.9).contains(hostileShare),
      (1...256).contains(networks)
    else {
      throw ValidationError(
        "--lookups must be above 0, --hostile-share from 0 to 0.9, --networks from 1 to 256")
    }
  }

  func run() throws {
    if let replay { return try repeatJournal(replay) }
    guard let story = Scenario(rawValue: scenario) else { return }
    var options = ScenarioOptions(nodes: nodes, seed: seed)
    options.lookups = lookups
    options.hostileShare = hostileShare
    options.attackerNetworks = networks
    options.keepsDestinationLimit = !unlimited
    options.isWeibull = weibull
    let console = Console()
    let isQuiet = json
    var run = ScenarioRun(options: options) { line in
      if !isQuiet { console.note(line) }
    }
    let report = run.run(story)
    show(report)
  }

  /// Repeats a journal; a difference to what was done then is an error.
  private func repeatJournal(_ file: String) throws {
    let began = ProcessUsage.processorSeconds
    let replay = try DHTReplay(file: file)
    var report = ScenarioReport()
    report.scenario = "replay"
    report.nodes = 1
    report.trace = replay.trace
    report.lookups = replay.lookups
    report.success =
      replay.lookups > 0 ? Double(replay.accepted) / Double(replay.lookups) : nil
    report.cpuSeconds = ProcessUsage.processorSeconds - began
    report.notes = replay.notes
    show(report)
    guard let step = replay.firstDifference else { return }
    throw ReplayDiffers(step: step)
  }

  /// The machine did something else than when the journal was written.
  private struct ReplayDiffers: Error, CustomStringConvertible {
    let step: Int

    var description: String {
      "step \(step) differs from the journal: replay it with the build of larder that wrote it; "
        + "if it is the same build, report this with the journal"
    }
  }

  private func show(_ report: ScenarioReport) {
    guard !json else { return print(report.json) }
    var rows = [
      ["scenario", report.scenario], ["nodes", "\(report.nodes)"], ["seed", "\(report.seed)"],
      ["trace", report.trace], ["lookups", "\(report.lookups)"],
    ]
    for (key, value) in report.figures {
      if let value { rows.append([key, ScenarioReport.text(value)]) }
    }
    for note in report.notes { rows.append(["note", note]) }
    print(table(rows), terminator: "")
  }
}
