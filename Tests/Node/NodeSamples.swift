import Cryptography
import FoundationEssentials
import Logging
import Testing
import Trust
import Wire

@testable import Node

/// Packages, hosts, keys and statements that the tests of the node start from.
enum NodeSamples {
  static let now = Timestamp(1_795_000_000)
  static let day = Duration.seconds(86_400)

  static func key(_ number: UInt8) throws -> SigningKey {
    try #require(SigningKey(seed: [UInt8](repeating: number, count: 32)))
  }

  static func root(_ number: UInt8) -> ContentRoot {
    ContentRoot(Bytes32([UInt8](repeating: number, count: 32)) ?? .zero)
  }

  static func facts(
    _ package: String = "hello", version: String = "1.0",
    _ change: (inout PackageFacts) -> Void = { _ in }
  ) -> PackageFacts {
    var facts = PackageFacts(
      category: "app-lab", package: package, version: version, repository: "gentoo",
      chost: "x86_64-pc-linux-gnu", target: PackageFacts.Target(libdirs: ["amd64": "lib64"]))
    facts.use = ["-doc", "nls"]
    facts.cpu = PackageFacts.CPU(
      march: "x86-64", mtune: "generic", features: ["fxsr", "mmx", "sse", "sse2"],
      level: "x86-64")
    facts.compiler = PackageFacts.Compiler(name: "gcc", version: "14.2.1")
    facts.recipe = PackageFacts.Recipe(
      ebuild: String(repeating: "1a", count: 32), normalized: String(repeating: "2b", count: 32))
    facts.index = [
      "KEYWORDS": "amd64", "IUSE": "doc nls", "USE": "amd64 elibc_glibc kernel_linux nls",
      "LICENSE": "GPL-2", "PROPERTIES": "", "RESTRICT": "", "DEFINED_PHASES": "install",
      "DESCRIPTION": "Says hello",
    ]
    change(&facts)
    return facts
  }

  static func host(_ change: (inout HostFacts) -> Void = { _ in }) -> HostFacts {
    var host = HostFacts(
      libc: HostFacts.Libc(package: "sys-libs/glibc", version: "2.41"),
      cpu: HostFacts.CPU(features: ["fxsr", "mmx", "sse", "sse2"]))
    host.licenseGroups = ["FREE": ["GPL-2", "MIT"]]
    change(&host)
    return host
  }

  static func signed(
    _ facts: PackageFacts, by number: UInt8 = 1, root: UInt8 = 1,
    _ change: (inout BuildStatement) -> Void = { _ in }
  ) throws -> SignedStatement {
    var statement = BuildStatement(
      fingerprint: try Fingerprint(of: facts), root: self.root(root), size: 4_096,
      md5: [UInt8](repeating: root, count: 16), sha1: [UInt8](repeating: root, count: 20),
      agreement: Bytes32([UInt8](repeating: 9, count: 32)) ?? .zero,
      judged: JudgedFacts(of: facts), buildTime: now - day, sequence: 1, created: now - day,
      expires: now + day)
    change(&statement)
    return try SignedStatement.sign(statement, with: key(number))
  }

  static func list(_ issuers: UInt8...) throws -> TrustList {
    TrustList(
      issuers: try issuers.map { Issuer(key: try key($0).publicKey, name: "builder-\($0)") },
      policies: [])
  }

  /// A planned build with the verdict on these statements.
  static func build(
    _ facts: PackageFacts, _ statements: [SignedStatement], issuers: UInt8...
  ) throws -> PlannedBuild {
    var list = TrustList()
    for number in issuers {
      list.issuers.append(Issuer(key: try key(number).publicKey, name: "builder-\(number)"))
    }
    var build = try PlannedBuild(facts)
    build.take(Set(statements), failed: [:])
    build.judge(by: list, host: host(), now: now)
    return build
  }
}

/// A directory of its own for one test.
struct Scratch {
  let paths = Paths(root: "/tmp/larder-node-\(UInt64.random(in: 0 ... .max))")
  var root: String { paths.root }

  func remove() {
    try? FileManager.default.removeItem(atPath: root)
  }

  static func run<R>(_ body: (Scratch) async throws -> R) async throws -> R {
    let scratch = Scratch()
    try FileManager.default.createDirectory(
      atPath: scratch.root, withIntermediateDirectories: true)
    defer { scratch.remove() }
    return try await body(scratch)
  }
}
