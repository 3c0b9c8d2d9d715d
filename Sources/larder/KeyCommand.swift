import ArgumentParser
import Cryptography
import Node

/// `larder key`
struct KeyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Make and show the key that signs this machine's builds.",
    subcommands: [Generate.self, Show.self, Export.self])

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
}
