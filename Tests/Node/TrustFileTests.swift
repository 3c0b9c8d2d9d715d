import Cryptography
import FoundationEssentials
import Testing
import Trust
import Wire

@testable import Node

@Suite("trust.yaml")
struct TrustFileTests {
  private let keys = (1...3).map { PublicKey(Bytes32(words: (UInt64($0), 0, 0, 0))) }

  private func parse(_ yaml: String) throws -> TrustList {
    let keys = keys
    let file = TrustFile(file: "trust.yaml") { name in
      switch name {
      case "alice.pub": keys[0]
      case "bob.pub": keys[1]
      case "carol.pub": keys[2]
      default: throw TrustDirectory.ChangeError.noKey(name, reason: "there is no such file")
      }
    }
    return try file.parse(yaml)
  }

  private func message(_ yaml: String) -> String {
    do {
      _ = try parse(yaml)
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  private let full = """
    version: 7
    expires: 2030-01-31
    flags: exact
    recipe: ebuild
    content-features: any
    issuers:
      - name: alice
        repositories: [gentoo]
        packages: ["app-*/*", "@toolchain"]
        architectures: [amd64]
        from: 2026-01-01
        until: 2027-01-01T12:00:00Z
        weight: 200
        system: true
      - {name: bob, key: bob.pub}
      - {name: carol}
    policies:
      - packages: ["@system"]
        accept: one-of
        issuers: [alice]
        recipe: exact
      - {packages: ["*/*"], accept: agreeing, count: 2, issuers: [alice, bob, carol]}
      - {packages: ["sys-apps/*"], accept: own, flags: exact, content-features: exact}
    """

  @Test func everyKeyIsRead() throws {
    let list = try parse(full)
    #expect(list.version == 7)
    #expect(list.expires == Timestamp("2030-01-31"))
    #expect(list.flags == .exact)
    #expect(list.recipe == .ebuild)
    #expect(list.contentFeatures == .any)
    #expect(list.issuers.map(\.name) == ["alice", "bob", "carol"])
    #expect(list.issuers[0].packages.map(\.description) == ["app-*/*", "@toolchain"])
    #expect(list.issuers[0].until == Timestamp("2027-01-01T12:00:00Z"))
    #expect(list.issuers[0].weight == 200)
    #expect(list.issuers[0].mayBuildSystem)
    #expect(list.policies.count == 3)
    #expect(list.policies[1].rule == .agreeing(2, of: ["alice", "bob", "carol"]))
    #expect(list.policies[2].rule == .own)
  }

  @Test func printedListIsReadBackAsItWas() throws {
    let list = try parse(full)
    let text = TrustFile.print(list, comment: ["# kept"])
    #expect(text.hasPrefix("# kept\n"))
    #expect(try parse(text) == list)
    #expect(try parse(TrustFile.print(TrustList(), comment: [])) == TrustList())
  }

  @Test func typoIsNamedWithLineAndColumn() {
    #expect(
      message("issuers:\n  - name: alice\n    pakages: ['*/*']\n")
        == "trust.yaml:3:5: unknown key 'issuers[0].pakages'; did you mean 'issuers[0].packages'?")
    #expect(
      message("policies:\n  - packages: ['*/*']\n    accept: al\n").hasPrefix("trust.yaml:3:13:"))
    #expect(message("issuers:\n  - name: alice\n    until: soon\n").hasPrefix("trust.yaml:3:12:"))
    #expect(message("issuers:\n  - name: dave\n").contains("names dave.pub"))
    #expect(message("policies:\n  - {packages: ['*/*'], accept: agreeing}\n").contains("how many"))
  }

  @Test func listThatMeansNothingIsRefused() {
    #expect(
      message("issuers: [{name: alice}, {name: alice, key: bob.pub}]").contains("stands twice"))
    #expect(message("policies: [{packages: ['*/*'], issuers: [eve]}]").contains("eve"))
  }

  @Test func addedIssuerIsOnTheListUntilRemoved() throws {
    let paths = Paths(root: "/tmp/larder-trust-\(UInt64.random(in: 0 ... .max))")
    defer { try? FileManager.default.removeItem(atPath: paths.root) }
    let directory = TrustDirectory(paths)
    try directory.add(Issuer(key: keys[0], name: "alice"))
    let first = try directory.load(own: nil)
    try directory.add(Issuer(key: keys[1], name: "bob"))
    let second = try directory.load(own: nil)
    #expect(second.issuers.map(\.name) == ["alice", "bob"])
    #expect(second.version > first.version)
    #expect(throws: TrustDirectory.ChangeError.known("alice")) {
      try directory.add(Issuer(key: keys[2], name: "alice"))
    }
    try directory.remove("alice")
    #expect(try directory.load(own: keys[2]).issuers.map(\.name) == ["bob"])
    #expect(throws: TrustDirectory.ChangeError.unknown("alice")) { try directory.remove("alice") }
  }
}
