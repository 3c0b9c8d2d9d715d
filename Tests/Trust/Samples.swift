import Cryptography
import Testing
import Wire

@testable import Trust

/// Packages, hosts, keys and statements that the tests start from.
enum Samples {
  static let now = Timestamp(1_795_000_000)
  static let day = Duration.seconds(86_400)

  static func key(_ number: UInt8) -> SigningKey {
    guard let key = SigningKey(seed: [UInt8](repeating: number, count: 32)) else {
      preconditionFailure("no key from a 32-byte seed")
    }
    return key
  }

  static func facts(_ change: (inout PackageFacts) -> Void = { _ in }) -> PackageFacts {
    var facts = PackageFacts(
      category: "app-lab", package: "caskcat", version: "1.0-r1", slot: "0", subslot: "2",
      repository: "gentoo", chost: "x86_64-pc-linux-gnu",
      target: PackageFacts.Target(libdirs: ["amd64": "lib64", "x86": "lib"]))
    facts.use = ["-debug", "-doc", "nls", "python_targets_python3_12"]
    facts.depend = PackageFacts.Dependencies(
      bdepend: "sys-devel/gcc", depend: "dev-lab/libcask:0/2= dev-lab/headers",
      idepend: "app-lab/installer", pdepend: "app-lab/plugin",
      rdepend: "dev-lab/libcask:0/2= || ( dev-lab/a:0/1= dev-lab/b:0/3= )")
    facts.distfiles = [
      PackageFacts.Distfile(
        name: "caskcat-1.0.tar.gz", digests: ["size": "120", "BLAKE2B": "ab", "SHA512": "cd"])
    ]
    facts.flags = ["CFLAGS": "-O2 -pipe", "LDFLAGS": "-Wl,-O1"]
    facts.cpu = PackageFacts.CPU(
      march: "x86-64-v2", mtune: "generic",
      features: [
        "cx16", "fxsr", "mmx", "popcnt", "sahf", "sse", "sse2", "sse3", "sse4.1", "sse4.2", "ssse3",
      ], level: "x86-64-v2")
    facts.compiler = PackageFacts.Compiler(name: "gcc", version: "14.2.1")
    facts.recipe = PackageFacts.Recipe(
      ebuild: String(repeating: "1a", count: 32), normalized: String(repeating: "2b", count: 32),
      eclasses: ["lab-c": String(repeating: "3c", count: 32)], files: "")
    facts.index = [
      "KEYWORDS": "amd64", "IUSE": "debug doc nls python_targets_python3_12",
      "USE": "amd64 elibc_glibc kernel_linux nls python_targets_python3_12", "LICENSE": "GPL-2",
      "PROPERTIES": "", "RESTRICT": "", "DEFINED_PHASES": "compile install", "DESCRIPTION": "Cats",
    ]
    change(&facts)
    return facts
  }

  static func host(_ change: (inout HostFacts) -> Void = { _ in }) -> HostFacts {
    var host = HostFacts(
      libc: HostFacts.Libc(package: "sys-libs/glibc", version: "2.41-r3"),
      cpu: HostFacts.CPU(
        features: [
          "avx", "avx2", "bmi", "bmi2", "cx16", "f16c", "fma", "fxsr", "lzcnt", "mmx", "movbe",
          "popcnt", "sahf", "sse", "sse2", "sse3", "sse4.1", "sse4.2", "ssse3", "xsave",
        ]), systemPackages: ["sys-apps/coreutils"])
    host.licenseGroups = ["BINARY-REDISTRIBUTABLE": ["GPL-2", "MIT"]]
    change(&host)
    return host
  }

  static func judged(
    _ facts: PackageFacts, _ change: (inout JudgedFacts) -> Void = { _ in }
  ) -> JudgedFacts {
    var judged = JudgedFacts(of: facts)
    judged.libc = HostFacts.Libc(package: "sys-libs/glibc", version: "2.40")
    judged.symbols = ["GLIBC_2.38"]
    change(&judged)
    return judged
  }

  static func statement(
    _ facts: PackageFacts = facts(), root: UInt8 = 1, agreement: UInt8 = 9,
    built: Timestamp = now - day, _ change: (inout BuildStatement) -> Void = { _ in }
  ) throws -> BuildStatement {
    var statement = BuildStatement(
      fingerprint: try Fingerprint(of: facts), root: ContentRoot(bytes(root)), size: 4_096,
      md5: [UInt8](repeating: root, count: 16), sha1: [UInt8](repeating: root, count: 20),
      agreement: bytes(agreement), judged: judged(facts), buildTime: built, sequence: 1,
      created: now - day, expires: now + day)
    change(&statement)
    return statement
  }

  static func signed(
    _ facts: PackageFacts = facts(), by key: SigningKey = key(1), root: UInt8 = 1,
    agreement: UInt8 = 9, built: Timestamp = now - day,
    _ change: (inout BuildStatement) -> Void = { _ in }
  ) throws -> SignedStatement {
    try SignedStatement.sign(
      try statement(facts, root: root, agreement: agreement, built: built, change), with: key)
  }

  static func list(
    _ issuers: [Issuer] = [issuer(1)], policies: [TrustPolicy] = [],
    _ change: (inout TrustList) -> Void = { _ in }
  ) -> TrustList {
    var list = TrustList(issuers: issuers, policies: policies)
    change(&list)
    return list
  }

  static func issuer(
    _ number: UInt8, _ change: (inout Issuer) -> Void = { _ in }
  ) -> Issuer {
    var issuer = Issuer(key: key(number).publicKey, name: "builder-\(number)")
    change(&issuer)
    return issuer
  }

  static func bytes(_ byte: UInt8) -> Bytes32 {
    Bytes32([UInt8](repeating: byte, count: 32)) ?? .zero
  }
}
