import ArgumentParser
import Node

/// `larder refresh`
struct RefreshCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "refresh",
    abstract: "Have the daemon look for builds of @world's updates, as after a repository sync.",
    discussion: "Example, as a hook of Portage: /etc/portage/postsync.d/larder")

  @OptionGroup var node: NodeOptions

  func run() async throws {
    let console = Console()
    try await node.control.send(.refresh) { try show($0, console, json: false) }
  }
}
