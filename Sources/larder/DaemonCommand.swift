import ArgumentParser
import Node

/// `larder daemon`
struct DaemonCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "daemon",
    abstract: "Run the node in the foreground, as the service scripts do.",
    discussion: """
      Logs go to standard error. SIGTERM ends it in order; after kill -9 the next start recovers.

      Example: larder daemon --root /srv/larder-test --verbose
      """)

  @OptionGroup var node: NodeOptions
  @Flag(help: "Log every step.") var verbose = false

  func run() async throws {
    try await Daemon(paths: node.paths, kind: .node, verbose: verbose).run()
  }
}
