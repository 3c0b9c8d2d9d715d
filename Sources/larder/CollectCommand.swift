import ArgumentParser
import Node

/// `larder gc`
struct CollectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Evict the blobs that the quota has no room for, least recently used first.",
    discussion:
      "Pinned blobs, transfers under way and what was listed in the last 48 hours stay.\n\nExample: larder gc"
  )

  @OptionGroup var node: NodeOptions

  func run() async throws {
    let console = Console()
    try await node.control.send(.collect) { try show($0, console, json: false) }
  }
}
