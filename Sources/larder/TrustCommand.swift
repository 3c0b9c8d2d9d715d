import ArgumentParser
import Cryptography
import Node
import Trust
import Wire

/// `larder trust`
struct TrustCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust",
    abstract: "Say whose builds this machine accepts.",
    discussion: """
      Whoever signs packages that you install can act as root on this machine: packages run code as
      root when they are installed. Scopes limit mistakes, not malice.
      """,
    subcommands: [
      Add.self, Remove.self, Revoke.self, List.self, Explain.self, Affected.self,
    ])

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Accept what a key signs.",
      discussion: """
        Examples:
          larder trust add alice.pub --name alice
          larder trust add bob.pub --name bob --packages 'app-*/*' --until 2027-06-30
        """)

    @OptionGroup var node: NodeOptions
    @Argument(help: "A minisign public key file, or the key's 64 hexadecimal digits.")
    var key: String
    @Option(help: "What to call the issuer.") var name: String
    @Option(help: "Only packages of this repository; may be repeated.")
    var repository: [String] = []
    @Option(help: "Only packages that match CATEGORY/NAME, @system or @toolchain; may be repeated.")
    var packages: [String] = []
    @Option(help: "Only this architecture, e.g. amd64; may be repeated.") var arch: [String] = []
    @Option(help: "Only what was signed from this date on.") var from: String?
    @Option(help: "Only until this date.") var until: String?
    @Option(help: "Preferred over issuers of less weight, 1 to 1000.") var weight = 100
    @Flag(help: "The issuer may build @system and the toolchain too.") var system = false

    func run() async throws {
      let directory = TrustDirectory(node.paths)
      var issuer = Issuer(key: try directory.readKey(key), name: name)
      issuer.repositories = repository
      issuer.packages = try packages.map { text in
        guard let pattern = PackagePattern(text) else {
          throw ValidationError(
            "'--packages \(text)': write CATEGORY/NAME with * allowed, @system or @toolchain")
        }
        return pattern
      }
      issuer.architectures = arch
      issuer.from = try time(from, "--from")
      issuer.until = try time(until, "--until")
      issuer.weight = weight
      issuer.mayBuildSystem = system
      try directory.add(issuer)
      print(issuer.powers)
      try await reload(node)
    }

    private func time(_ text: String?, _ option: String) throws -> Timestamp? {
      guard let text else { return nil }
      guard let time = Timestamp(text) else {
        throw ValidationError("'\(option) \(text)': write a date, e.g. 2027-01-31")
      }
      return time
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Accept nothing more from an issuer; what it built is no longer listed.",
      discussion: "Example: larder trust remove bob")

    @OptionGroup var node: NodeOptions
    @Argument(help: "The issuer's name.") var name: String

    func run() async throws {
      try TrustDirectory(node.paths).remove(name)
      print("\(name) is off the trust list; 'larder trust affected \(name)' needs its key: keep it")
      try await reload(node)
    }
  }

  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Put a key owner's signed revocation in force; what the key signed is unlisted.",
      discussion: "Example: larder trust revoke alice.revocation")

    @OptionGroup var node: NodeOptions
    @Argument(help: "What 'larder key revoke' wrote.") var file: String

    func run() async throws {
      let revocation = try TrustDirectory(node.paths).revoke(file)
      print(
        "\(revocation.key) is not trusted from \(revocation.from) \(printable(revocation.reason))")
      print("See what came from it with 'larder trust affected \(revocation.key)'.")
      try await reload(node)
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the issuers and the policies in force.",
      discussion: "Example: larder trust list --json")

    @OptionGroup var node: NodeOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
      let own = try KeyStore(node.paths).issuerKey()?.publicKey
      let list = try TrustDirectory(node.paths).load(own: own)
      if json {
        return print(try Program.json(list.issuers.map { ["name": $0.name, "key": "\($0.key)"] }))
      }
      if list.issuers.isEmpty {
        print(
          "No issuer is trusted: nothing of others is accepted. Add one with 'larder trust add'.")
      }
      for issuer in list.issuers { print("\(issuer.key)  \(printable(issuer.powers))") }
      for policy in list.policies { print("policy  \(policy)") }
      for policy in TrustPolicy.standard { print("default \(policy)") }
    }
  }

  struct Explain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say which policy decides about one package, and which issuers may build it.",
      discussion: """
        Portage is asked for this host's @system set and architecture.

        Examples:
          larder trust explain app-misc/hello
          larder trust explain sys-apps/sed --repository guru --arch arm64
        """)

    @OptionGroup var node: NodeOptions
    @Argument(help: "CATEGORY/NAME.") var package: String
    @Option(help: "The repository that it comes from.") var repository = "gentoo"
    @Option(help: "The architecture; without, this host's.") var arch: String?

    func run() async throws {
      let question = TrustExplanation.Question(
        package: package, repository: repository, arch: arch)
      let explanation = try await TrustExplanation.ask(question, at: node.paths)
      for line in explanation.lines { print(printable(line)) }
    }
  }

  struct Affected: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List what is installed or listed here from one key, e.g. after it was stolen.",
      discussion: "Example: larder trust affected alice.pub")

    @OptionGroup var node: NodeOptions
    @Argument(help: "A minisign public key file, or the key's 64 hexadecimal digits.")
    var key: String

    func run() async throws {
      let key = try TrustDirectory(node.paths).readKey(key)
      let console = Console()
      try await node.control.send(.affected(key: "\(key)")) { try show($0, console, json: false) }
    }
  }
}

/// Tells a running daemon to read the trust list again; without one the next start does.
private func reload(_ node: NodeOptions) async throws {
  do {
    try await node.control.send(.reload) { _ in }
  } catch ControlClient.ClientError.noDaemon {
    return
  }
}
