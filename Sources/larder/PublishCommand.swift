import ArgumentParser
import FoundationEssentials
import Node

/// `larder publish`
struct PublishCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish",
    abstract: "Sign, announce and serve finished packages that were compiled on this machine.",
    discussion: """
      The daemon does this by itself for new packages once publish.enabled is true. A package that
      must not be published is refused with the reason.

      With --json it is a list of objects: package, file, outcome (published, known, early, refused,
      unreadable; with --withdraw withdrawn, unpublished, foreign), fingerprint, root, and reasons.

      Examples:
        larder publish /var/cache/binpkgs/app-misc/hello/hello-1.0-1.gpkg.tar
        larder publish --withdraw app-misc/hello-1.0
      """)

  @OptionGroup var node: NodeOptions
  @Flag(help: "Offer own builds of these packages (CATEGORY/NAME-VERSION) no longer.")
  var withdraw = false
  @Flag(help: "Print one JSON list.") var json = false
  @Argument(help: "Finished .gpkg.tar files, or packages with --withdraw.") var files: [String]

  func run() async throws {
    let (console, json) = (Console(), json)
    if withdraw {
      let request = ControlRequest.withdraw(packages: files)
      return try await node.control.send(request) { try show($0, console, json: json) }
    }
    let here = FileManager.default.currentDirectoryPath
    let paths = files.map { $0.hasPrefix("/") ? $0 : "\(here)/\($0)" }
    try await node.control.send(.publish(files: paths)) { try show($0, console, json: json) }
  }
}
