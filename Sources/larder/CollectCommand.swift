import ArgumentParser
import Node

/// `larder gc`
struct CollectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Evict the blobs that the quota has no room for, least recently used first.",
    discussion: """
      Pinned blobs, transfers under way and what was listed in the last 48 hours stay. With --json it
      is an object with evicted (blobs), freed, used and quota (bytes).

      Example: larder gc
      """)

  @OptionGroup var node: NodeOptions
  @Flag(help: "Print one JSON object.") var json = false

  func run() async throws {
    let (console, json) = (Console(), json)
    try await node.control.send(.collect) { try show($0, console, json: json) }
  }
}
