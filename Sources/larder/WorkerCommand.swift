import ArgumentParser
import Node

/// `larder worker`
struct WorkerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker",
    abstract: "Take builds from a gateway and do them in a sandbox, until stopped.",
    discussion: """
      worker.gateway and worker.token-file in larder.yaml say where the builds come from. A build has
      no network and sees nothing of this machine's keys.

      Example: larder worker --root /srv/larder-worker
      """)

  @OptionGroup var node: NodeOptions
  @Flag(help: "Log every step.") var verbose = false

  func run() async throws {
    try await WorkerService(paths: node.paths, verbose: verbose).run()
  }
}
