import Node

/// Shows one event of the daemon's answer: how the work goes on standard error, results on standard
/// output.
func show(_ event: ControlEvent, _ console: Console, json: Bool) throws {
  switch event {
  case .progress(let progress): console.progress(progress)
  case .note(let text): console.note(text)
  case .plan, .inbox, .collected, .published, .requested, .lines:
    console.finish()
    print(try result(event, json: json), terminator: "")
  case .status, .finished, .failed: break
  }
}

/// A result as text for people, or as JSON; empty for events that are none.
func result(_ event: ControlEvent, json: Bool) throws -> String {
  switch event {
  case .plan(let report): json ? try Program.json(report) + "\n" : planTable(report)
  case .inbox(let rows):
    json ? try Program.json(rows) + "\n" : text(rows.map(\.line), orElse: "nothing new")
  case .collected(let report): json ? try Program.json(report) + "\n" : text([report.line])
  case .published(let rows): json ? try Program.json(rows) + "\n" : text(rows.map(\.line))
  case .requested(let rows):
    json
      ? try Program.json(rows) + "\n"
      : text(rows.map(\.line), orElse: "nothing to build: everything is here")
  case .lines(let lines): text(lines)
  case .progress, .note, .status, .finished, .failed: ""
  }
}

private func text(_ lines: [String], orElse nothing: String? = nil) -> String {
  let shown = lines.isEmpty ? [nothing].compactMap { $0 } : lines
  return shown.map { printable($0) + "\n" }.joined()
}

private func planTable(_ report: PlanReport) -> String {
  guard !report.rows.isEmpty else { return "Nothing to merge.\n" }
  var rows = [["package", "verdict", "source", "size", "why"]]
  for row in report.rows {
    let size = row.size == 0 ? "-" : Program.size(row.size)
    rows.append([
      printable("\(row.package)::\(row.repository)"), row.verdict.rawValue, printable(row.source),
      size, printable(row.why),
    ])
  }
  let count = report.rows.count
  let found = report.withoutCompiling
  var text = table(rows) + "\n\(found) of \(count) without compiling"
  text += found == count ? ".\n" : "; \(count - found) from source.\n"
  for note in report.notes { text += "note: \(printable(note))\n" }
  return text
}
