import ArgumentParser
import Node

/// `larder gc`
struct CollectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Evict the blobs that the quota has no room for, least recently used first.",
    discussion: """
      Pinned packages, transfers under way and what was listed in the last 48 hours stay. With --json
      it is an object with evicted (blobs), freed, used and quota (bytes).

      Examples:
        larder gc
        larder gc --pin www-client/firefox-140.0
        larder gc --unpin www-client/firefox-140.0
      """)

  @OptionGroup var node: NodeOptions
  @Flag(help: "Print one JSON object.") var json = false
  @Option(
    help: "Keep this package, CATEGORY/NAME-VERSION, whatever the quota says; evict nothing now.")
  var pin: [String] = []
  @Option(help: "Let the quota have this package again; evict nothing now.")
  var unpin: [String] = []

  func run() async throws {
    let (console, json) = (Console(), json)
    for (packages, isPinned) in [(pin, true), (unpin, false)] where !packages.isEmpty {
      let request = ControlRequest.pin(packages: packages, isPinned: isPinned)
      try await node.control.send(request) { try show($0, console, json: json) }
    }
    guard pin.isEmpty, unpin.isEmpty else { return }
    try await node.control.send(.collect) { try show($0, console, json: json) }
  }
}
