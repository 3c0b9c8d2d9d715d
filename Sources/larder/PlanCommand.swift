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
