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

      LARDER_ROOT names another Larder root; --root would mean Portage's.

      Examples:
        larder emerge --ask --update --deep --newuse @world
        larder emerge --build www-client/firefox
      """)

  @Argument(
    parsing: .captureForPassthrough,
    help: "Options and atoms as for emerge; besides --build.")
  var arguments: [String] = []

  func run() async throws {
    let words = try EmergeArguments(
      arguments, for: Self.self, known: [.json, .build], takesRoot: false)
    let console = Console()
    for name in ["ROOT", "PORTAGE_CONFIGROOT", "USE", "CFLAGS", "CXXFLAGS"] {
      guard let value = Program.environment(name), value != "/" else { continue }
      console.note("\(name) is set here, but not for the daemon: what it fetches may not fit")
    }
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
    var portage = Configuration.Portage()
    do {
      portage = try Configuration.load(words.paths).portage
    } catch {
      console.note("\(error)")
      console.note("running the ordinary emerge")
    }
    try Program.replace(
      with: portage.emergeCommand(["--getbinpkg", "--usepkg"] + words.emerge))
  }
}
