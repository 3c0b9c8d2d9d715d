import ArgumentParser
import Node

/// `larder inbox`
struct InboxCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inbox",
    abstract: "Show builds asked for in the background that became ready or failed.",
    discussion: """
      With --json it is a list of objects with package, fingerprint, outcome (ready, failed), message
      and time in Unix seconds. What was shown is not shown again.

      Example: larder inbox --json
      """)

  @OptionGroup var node: NodeOptions
  @Flag(help: "Print one JSON list.") var json = false

  func run() async throws {
    let (console, json) = (Console(), json)
    try await node.control.send(.inbox) { try show($0, console, json: json) }
  }
}
