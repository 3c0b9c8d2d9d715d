import ArgumentParser
import Node

/// `larder emerge`
struct EmergeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "emerge",
    abstract: "Fetch what peers built for this machine, then run the unmodified emerge.",
    discussion: """
      ARGUMENTS are emerge's own. What no peer has is compiled as always; with --build the cloud
      tier is asked for it first. Without a running daemon the ordinary emerge runs.

      Examples:
        larder emerge --ask --update --deep --newuse @world
        larder emerge --build www-client/firefox
      """)

  @Argument(
    parsing: .captureForPassthrough,
    help: "Options and atoms as for emerge; besides --root DIR and --build.")
  var arguments: [String] = []

  func run() async throws {
    let words = try EmergeArguments(arguments, for: Self.self, known: [.json, .build])
    let console = Console()
    let stage = words.has(.build) ? ResolveStage.build : .fetch
    do {
      let request = ControlRequest.resolve(arguments: words.emerge, until: stage)
      try await words.control.send(request) { try show($0, console, json: words.has(.json)) }
    } catch {
      // A broken cache must never be a broken emerge: say why, and go on without.
      console.finish()
      console.note("\(error)")
      console.note("going on with what is listed already; the rest is compiled")
    }
    let configuration = try Configuration.load(words.paths)
    try Program.replace(
      with: configuration.portage.emergeCommand(["--getbinpkg", "--usepkg"] + words.emerge))
  }
}
