import ArgumentParser
import Node

/// `larder doctor`
struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check keys, trust list, ports, clock, disk and Portage, and say what to do.",
    discussion: "Example: larder doctor --json")

  @OptionGroup var node: NodeOptions
  @Flag(help: "Print one JSON list.") var json = false

  func run() async throws {
    let findings = await Doctor(node.paths).examine()
    if json {
      print(try Program.json(findings))
    } else {
      for finding in findings { print(line(finding)) }
    }
    if findings.contains(where: { $0.state == .wrong }) { throw ExitCode.failure }
  }

  private func line(_ finding: Finding) -> String {
    let mark =
      switch finding.state {
      case .ok: "ok    "
      case .notice: "note  "
      case .wrong: "WRONG "
      }
    let advice = finding.advice.isEmpty ? "" : "\n        → \(finding.advice)"
    return "\(mark)\(finding.subject): \(printable(finding.found))\(advice)"
  }
}
