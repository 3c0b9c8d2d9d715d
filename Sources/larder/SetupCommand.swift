import ArgumentParser
import Node

/// `larder setup`
struct SetupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "setup",
    abstract: "Let Portage read Larder's directory of checked packages.",
    discussion: """
      Writes a section into binrepos.conf (a file of its own where that is a directory) and says what
      it did. --undo takes it out again.

      Example: larder setup
      """)

  @OptionGroup var node: NodeOptions
  @Flag(help: "Take the section out again.") var undo = false

  func run() async throws {
    for line in try await Setup(node.paths).run(undo: undo) { print(line) }
  }
}
