import ArgumentParser
import Node

/// `larder plan`
struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Show which builds peers have for what emerge would install, and why or why not.",
    discussion: """
      ARGUMENTS are emerge's own: options and atoms. Nothing is fetched or installed.

      Example: larder plan --update --deep --newuse @world
      """)

  @Argument(
    parsing: .captureForPassthrough,
    help: "Options and atoms as for emerge; besides --root DIR and --json.")
  var arguments: [String] = []

  func run() async throws {
    let words = try EmergeArguments(arguments, for: Self.self, known: [.json])
    let console = Console()
    let request = ControlRequest.resolve(arguments: words.emerge, until: .plan)
    try await words.control.send(request) { try show($0, console, json: words.has(.json)) }
  }
}

/// Prints one event of the resolver.
func show(_ event: ControlEvent, _ console: Console, json: Bool) throws {
  switch event {
  case .progress(let progress): console.progress(progress)
  case .note(let text): console.note(text)
  case .plan(let report):
    console.finish()
    print(json ? try Program.json(report) : planTable(report), terminator: json ? "\n" : "")
  case .lines(let lines):
    for line in lines { print(printable(line)) }
  case .status, .finished, .failed: break
  }
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
