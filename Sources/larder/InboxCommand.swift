import ArgumentParser
import Node

/// `larder inbox`
struct InboxCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inbox",
    abstract: "Show builds asked for in the background that became ready or failed.",
    discussion: "Example: larder inbox")

  @OptionGroup var node: NodeOptions

  func run() async throws {
    let console = Console()
    try await node.control.send(.inbox) { try show($0, console, json: false) }
  }
}
