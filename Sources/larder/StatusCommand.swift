import ArgumentParser
import Node

/// `larder status`
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show what this node is doing.",
    discussion: "Example: larder status --json | jq .peers")

  @OptionGroup var node: NodeOptions
  @Flag(help: "Print one JSON object.") var json = false

  func run() async throws {
    let json = json
    try await node.control.send(.status) { event in
      guard case .status(let report) = event else { return }
      print(json ? try Program.json(report) : text(report), terminator: json ? "\n" : "")
    }
  }
}

private func text(_ report: StatusReport) -> String {
  let rate = report.hits + report.misses
  let share = rate == 0 ? "none planned yet" : "\(100 * report.hits / rate) % of \(rate) planned"
  var rows = [
    ["node", report.node],
    ["version", report.version],
    ["role", "\(report.role) in network \(report.network), port \(report.port)"],
    ["up", duration(report.uptime)],
    ["peers", "\(report.peers)"],
    ["records", "\(report.records) kept for others"],
    ["blobs", "\(report.blobs), \(Program.size(report.blobBytes))"],
    ["listed", "\(report.listed) packages for Portage"],
    ["published", "\(report.published) own builds"],
    ["transfers", "\(report.fetching) fetched, \(report.serving) peers served"],
    ["hit rate", share],
    ["cloud builds", "\(report.jobs)"],
  ]
  for key in report.banned { rows.append(["banned", key]) }
  for line in report.refused { rows.append(["not published", printable(line)]) }
  return table(rows)
}

private func duration(_ seconds: Int64) -> String {
  let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60)
  if days > 0 { return "\(days) d \(hours) h" }
  if hours > 0 { return "\(hours) h \(minutes) min" }
  return minutes > 0 ? "\(minutes) min \(seconds % 60) s" : "\(seconds) s"
}
