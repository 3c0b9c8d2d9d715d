import ArgumentParser
import Binhost
import Node

/// `larder status`
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show what this node is doing.",
    discussion: "Example: larder status --json | jq .peerCount")

  @OptionGroup var node: NodeOptions
  @Flag(help: "Print one JSON object.") var json = false

  func run() async throws {
    let json = json
    try await node.control.send(.status) { event in
      guard case .status(let status) = event else { return }
      print(json ? try Program.json(status) : text(status), terminator: json ? "\n" : "")
    }
  }
}

private func text(_ status: StatusSnapshot) -> String {
  let planned = status.lookups.hits + status.lookups.misses
  let rate =
    planned == 0 ? "nothing planned yet" : "\(100 * status.lookups.hits / planned) % of \(planned)"
  var rows = [
    ["node", status.node.key],
    ["version", "\(status.node.version), \(status.node.role), up \(duration(status.node.uptime))"],
    ["addresses", status.node.addresses.joined(separator: ", ")],
    ["peers", "\(status.peerCount), \(status.table.answering) of them answer"],
    ["records", "\(status.records.statements + status.records.providers) kept for others"],
    ["blobs", "\(status.blobs.count), \(Program.size(status.blobs.bytes))"],
    ["listed", "\(status.blobs.listed) packages for Portage"],
    ["published", "\(status.records.published) own builds"],
    ["announced", "\(status.records.announced) blobs for others to fetch"],
    [
      "traffic",
      "\(Program.size(status.traffic.received)) in, \(Program.size(status.traffic.sent)) out",
    ],
    ["hit rate", rate],
  ]
  if !status.reach.relays.isEmpty {
    rows.append(["relayed by", printable(status.reach.relays.joined(separator: ", "))])
  }
  if status.relay.isEnabled {
    let bytes = Program.size(status.relay.bytes)
    rows.append([
      "relays", "\(bytes) passed on, \(status.relay.pairs) pairs, \(status.relay.guests) guests",
    ])
  }
  for transfer in status.transfers {
    let share = "\(Program.size(transfer.done)) of \(Program.size(transfer.size))"
    rows.append(["fetching", "\(printable(transfer.name)): \(share) from \(transfer.peers) peers"])
  }
  for job in status.jobs {
    rows.append(["build", printable("\(job.name): \(job.state) \(job.detail)")])
  }
  for peer in status.peers where !peer.note.isEmpty {
    rows.append(["peer", printable("\(peer.key.prefix(16)) \(peer.address): \(peer.note)")])
  }
  for warning in status.warnings + status.refusals { rows.append(["note", printable(warning)]) }
  return table(rows)
}

private func duration(_ seconds: Int64) -> String {
  let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60)
  if days > 0 { return "\(days) d \(hours) h" }
  if hours > 0 { return "\(hours) h \(minutes) min" }
  return minutes > 0 ? "\(minutes) min \(seconds % 60) s" : "\(seconds) s"
}
