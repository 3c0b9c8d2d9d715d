import ArgumentParser
import Glibc
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

      Exit status: 0 done, 1 failed, 2 the words make no sense.
      """,
    version: Program.version,
    subcommands: [
      DaemonCommand.self, StatusCommand.self, PlanCommand.self, EmergeCommand.self,
      FetchCommand.self, PublishCommand.self, RequestCommand.self, InboxCommand.self,
      TrustCommand.self, KeyCommand.self, SetupCommand.self, RefreshCommand.self,
      CloudCommand.self, WorkerCommand.self, DoctorCommand.self, CollectCommand.self,
      FingerprintCommand.self, SimulateCommand.self,
    ])
}

extension Larder {
  /// Runs the command that the words name; exits with 0 if it was done, 1 if it failed and 2 if the
  /// words make no sense.
  static func main() async {
    do {
      var command = try await asyncParseAsRoot(nil)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      leave(error)
    }
  }

  /// The exit status that says how a command ended.
  static func status(of error: any Error) -> Int32 {
    switch exitCode(for: error) {
    case .success: 0
    case .validationFailure: 2
    case let code: code.rawValue
    }
  }

  private static func leave(_ error: any Error) -> Never {
    let status = status(of: error)
    // Help and version are results; what went wrong is not.
    let text = printable(fullMessage(for: error))
    let stream = status == 0 ? STDOUT_FILENO : STDERR_FILENO
    if !text.isEmpty {
      _ = Array("\(text)\n".utf8).withUnsafeBytes { write(stream, $0.baseAddress, $0.count) }
    }
    Glibc.exit(status)
  }
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
