import ArgumentParser
import Node

/// `larder refresh`
struct RefreshCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "refresh",
    abstract: "Have the daemon look for builds of @world's updates, as after a repository sync.",
    discussion: """
      The daemon does it in its own time: this returns at once. Its log says what was found, and
      'larder status' if it failed.
      /etc/portage/postsync.d/larder does this after each 'emerge --sync'; portage.refresh in
      larder.yaml says what is planned.

      Example: larder refresh
      """)

  @OptionGroup var node: NodeOptions

  func run() async throws {
    let console = Console()
    try await node.control.send(.refresh) { try show($0, console, json: false) }
  }
}
