import ArgumentParser
import Node

/// `larder fetch`
struct FetchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Fetch and list what peers built for this machine; install nothing.",
    discussion: "Example: larder fetch --update --deep --newuse @world")

  @Argument(
    parsing: .captureForPassthrough,
    help: "Options and atoms as for emerge; besides --root DIR, --build and --json.")
  var arguments: [String] = []

  func run() async throws {
    let words = try EmergeArguments(arguments, for: Self.self, known: [.json, .build])
    let console = Console()
    let stage = words.has(.build) ? ResolveStage.build : .fetch
    let request = ControlRequest.resolve(arguments: words.emerge, until: stage)
    try await words.control.send(request) { try show($0, console, json: words.has(.json)) }
  }
}
