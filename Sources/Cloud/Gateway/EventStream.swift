import Builder
import FoundationEssentials
import Trust
import Wire

/// One asker's event stream: what it was told, and what is new since.
///
/// Events: `status` with a `PackageStatus`, `log` with lines and the number of the first, `done`
/// when nothing more will come; and comments as pings, so that proxies keep the connection.
struct EventStream {
  let group: String
  let owner: String
  let settings: GatewaySettings
  private var revisions: [Fingerprint: UInt64] = [:]
  private var statuses: [Fingerprint: PackageStatus] = [:]
  private var lines: [Fingerprint: UInt64] = [:]
  private var spoke = ContinuousClock.now

  init(group: String, owner: String, settings: GatewaySettings) {
    self.group = group
    self.owner = owner
    self.settings = settings
  }

  /// The text to send now, which may be empty, and whether it is the last.
  mutating func news(_ desk: GatewayDesk) async throws -> (text: String, isOver: Bool) {
    var text = ""
    var isOver = true
    for job in try await desk.jobs(ofGroup: group, owner: owner) {
      let status = PackageStatus(of: job)
      if !status.isFinal { isOver = false }
      guard revisions[job.fingerprint] != job.revision else { continue }
      revisions[job.fingerprint] = job.revision
      try append(log: job, to: &text)
      if statuses[job.fingerprint] != status {
        statuses[job.fingerprint] = status
        text += try event("status", status)
      }
    }
    if isOver { text += "event: done\ndata: {}\n\n" }
    if text.isEmpty, ContinuousClock.now - spoke >= settings.ping { text = ": ping\n\n" }
    if !text.isEmpty { spoke = ContinuousClock.now }
    return (text, isOver)
  }

  private mutating func append(log job: Job, to text: inout String) throws {
    let known = lines[job.fingerprint] ?? 0
    let (fresh, next) = job.log.since(known)
    lines[job.fingerprint] = next
    guard !fresh.isEmpty else { return }
    let first = next - UInt64(fresh.count)
    text += try event(
      "log", Messages.Log(fingerprint: job.fingerprint, first: first, lines: Array(fresh)))
  }

  private func event(_ name: String, _ value: some Encodable) throws -> String {
    let data = try JSONEncoder().encode(value)
    return "event: \(name)\ndata: \(String(decoding: data, as: UTF8.self))\n\n"
  }
}
