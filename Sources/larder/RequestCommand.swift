import ArgumentParser
import Node

/// `larder request`
struct RequestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "request",
    abstract: "Ask the cloud tier to build what no peer has.",
    discussion: """
      With --wait (the default) progress is shown until the packages are fetched; with --background
      the command returns at once, and the next larder command shows what became ready.

      With --json --wait prints the plan as 'larder plan --json' does, --background a list of objects:
      package, fingerprint, state (refused, queued, leased, built, failed, cancelled), worker, message,
      and the log of a failed build.

      Example: larder request --background www-client/firefox
      """)

  @Argument(
    parsing: .captureForPassthrough,
    help: "Options and atoms as for emerge; besides --root DIR, --wait, --background and --json.")
  var arguments: [String] = []

  func run() async throws {
    let words = try EmergeArguments(arguments, for: Self.self, known: [.json, .wait, .background])
    if words.has(.wait), words.has(.background) {
      throw ValidationError("'--wait' and '--background' exclude each other")
    }
    let console = Console()
    let request = ControlRequest.request(arguments: words.emerge, wait: !words.has(.background))
    try await words.control.send(request) { try show($0, console, json: words.has(.json)) }
  }
}
