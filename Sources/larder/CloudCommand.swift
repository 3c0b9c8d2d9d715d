import ArgumentParser
import Cloud
import Node

/// `larder cloud`
struct CloudCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cloud",
    abstract: "Run a gateway that has workers build what is asked for, and seeds the results.",
    subcommands: [Serve.self, Token.self], defaultSubcommand: Serve.self)

  struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Run the gateway in the foreground.",
      discussion: """
        It is a node besides: it signs what workers build with its issuer key and serves it. Put a TLS
        proxy in front of its HTTP port for others than this machine.

        Example: larder cloud serve --root /srv/larder-cloud
        """)

    @OptionGroup var node: NodeOptions
    @Flag(help: "Log every step.") var verbose = false

    func run() async throws {
      try await Daemon(paths: node.paths, kind: .gateway, verbose: verbose).run()
    }
  }

  struct Token: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make, list and revoke bearer tokens.",
      subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Make a token and print it once; only its hash is kept.",
        discussion: "Example: larder cloud token create --role worker > worker.token")

      @OptionGroup var node: NodeOptions
      @Option(help: "What it may do: request builds, or work on them (request, worker).")
      var role: TokenChoice = .request
      @Option(help: "Whose it is; each name has one token.") var name: String

      func run() async throws {
        print(try await GatewayTokens(node.paths).create(role: role.role, name: name))
      }
    }

    struct List: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Show whose tokens there are.", discussion: "Example: larder cloud token list")

      @OptionGroup var node: NodeOptions

      func run() async throws {
        for token in try await GatewayTokens(node.paths).list() {
          print("\(token.name)  \(token.role.rawValue)  made \(token.created)")
        }
      }
    }

    struct Revoke: AsyncParsableCommand {
      static let configuration = CommandConfiguration(
        abstract: "Take a token back; its next call is refused.",
        discussion: "Example: larder cloud token revoke bob")

      @OptionGroup var node: NodeOptions
      @Argument(help: "The token's name.") var name: String

      func run() async throws {
        try await GatewayTokens(node.paths).revoke(name)
      }
    }
  }
}

/// The roles as words of the command line.
enum TokenChoice: String, ExpressibleByArgument, CaseIterable {
  case request
  case worker

  var role: TokenRole {
    switch self {
    case .request: .request
    case .worker: .worker
    }
  }
}
