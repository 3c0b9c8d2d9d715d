import ArgumentParser
import Node

/// The program: one command a file.
@main
struct Larder: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "larder",
    abstract: "Share Gentoo binary packages between machines that trust each other's builds.",
    discussion: """
      First steps on a new machine:
        larder trust add alice.pub --name alice   accept builds that alice signs
        larder setup                              let Portage read Larder's directory
        larder plan -uDN @world                   see what peers have for this machine
        larder emerge -uDN @world                 fetch it, then run the ordinary emerge
      """,
    version: Program.version,
    subcommands: [
      DaemonCommand.self, StatusCommand.self, PlanCommand.self, EmergeCommand.self,
      FetchCommand.self, PublishCommand.self, RequestCommand.self, InboxCommand.self,
      TrustCommand.self, KeyCommand.self, SetupCommand.self, RefreshCommand.self,
      CloudCommand.self, WorkerCommand.self, DoctorCommand.self, CollectCommand.self,
      FingerprintCommand.self,
    ])
}

/// Options that every command has.
struct NodeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The directory that all of this node's paths are under (or LARDER_ROOT).", valueName: "dir"))
  var root: String?

  var paths: Paths {
    Paths(root: root ?? Program.environment("LARDER_ROOT") ?? "")
  }

  var control: ControlClient {
    ControlClient(path: paths.controlSocket)
  }
}
