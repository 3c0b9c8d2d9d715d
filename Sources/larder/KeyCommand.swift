import ArgumentParser
import Cryptography
import FoundationEssentials
import Node
import Trust
import Wire

/// `larder key`
struct KeyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Make and show the key that signs this machine's builds.",
    subcommands: [Generate.self, Show.self, Export.self, Revoke.self])

  struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make an issuer key; it never leaves this machine and never enters a build.",
      discussion: "Example: larder key generate && larder key export > alice.pub")

    @OptionGroup var node: NodeOptions

    func run() throws {
      let store = KeyStore(node.paths)
      let key = try store.generate(.issuer)
      print(
        "secret key: \(store.path(.issuer)) (mode 0600; keep a copy where only you can read it)")
      print("public key: \(key.publicKey)")
      print("Give others the output of 'larder key export'. Whoever adds it trusts your builds as")
      print("root: a package's install phases run as root on their machines.")
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show the public keys of this node.", discussion: "Example: larder key show --json")

    @OptionGroup var node: NodeOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
      let store = KeyStore(node.paths)
      let nodeKey = try store.nodeKey().publicKey
      let issuer = try store.issuerKey()?.publicKey
      if json {
        var keys = ["node": nodeKey.description]
        keys["issuer"] = issuer?.description
        return print(try Program.json(keys))
      }
      print("node:   \(nodeKey)")
      print("issuer: \(issuer?.description ?? "none; make one with 'larder key generate'")")
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the issuer's public key as a minisign file, for others' trust lists.",
      discussion: "Example: larder key export > alice.pub")

    @OptionGroup var node: NodeOptions

    func run() throws {
      print(
        Minisign.publicKeyFile(try KeyStore(node.paths).load(.issuer).publicKey), terminator: "")
    }
  }

  struct Revoke: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a signed word that this machine's issuer key must not be trusted any more.",
      discussion: """
        Send the file to everybody who trusts the key; 'larder trust revoke FILE' puts it in force.

        Example: larder key revoke --reason "laptop stolen" --output alice.revocation
        """)

    @OptionGroup var node: NodeOptions
    @Option(help: "Not trusted from this date on; now, if not given.") var from: String?
    @Option(help: "Why, in a few words.") var reason = ""
    @Option(help: "The file to write.") var output: String

    func run() throws {
      let key = try KeyStore(node.paths).load(.issuer)
      var time = Timestamp(Int64(Date().timeIntervalSince1970))
      if let from {
        guard let given = Timestamp(from) else {
          throw ValidationError("'--from \(from)': write a date, e.g. 2027-01-31")
        }
        time = given
      }
      let signed = try SignedRevocation.sign(
        Revocation(key: key.publicKey, from: time, reason: reason), with: key)
      try Data(signed.encoded).write(to: URL(filePath: output))
      print("\(output): revokes \(key.publicKey) from \(time)")
    }
  }
}
