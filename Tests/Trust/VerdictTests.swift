import Cryptography
import Testing
import Wire

@testable import Trust

@Suite("Verdicts") struct VerdictTests {
  func judge(
    _ statements: [SignedStatement], list: TrustList = Samples.list(),
    facts: PackageFacts = Samples.facts(), host: HostFacts = Samples.host()
  ) -> Verdict {
    list.judge(statements, for: facts, host: host, now: Samples.now)
  }

  /// The reasons for which the only statement is not taken.
  func reasons(
    _ change: (inout BuildStatement) -> Void = { _ in }, by key: UInt8 = 1,
    list: TrustList = Samples.list(), facts: PackageFacts = Samples.facts(),
    host: HostFacts = Samples.host()
  ) throws -> [RejectionReason] {
    let signed = try Samples.signed(facts, by: Samples.key(key), change)
    return judge([signed], list: list, facts: facts, host: host).rejections.map(\.reason)
  }

  @Test func aGoodStatementIsTakenWithItsReason() throws {
    let signed = try Samples.signed()
    let verdict = judge([signed])
    #expect(verdict.statement == signed && verdict.rejections.isEmpty)
    #expect(
      verdict.message == "built by builder-1 on \(signed.statement.buildTime), same recipe")
  }

  @Test func noStatementIsSaid() {
    #expect(judge([]).rejections.map(\.reason) == [.noStatement])
  }

  @Test func anUntrustedIssuerIsNamedByItsKey() throws {
    let key = Samples.key(7).publicKey
    #expect(try reasons(by: 7) == [.untrustedIssuer(key)])
    #expect(
      RejectionReason.untrustedIssuer(key).message
        == "untrusted issuer \(key.bytes.hex.prefix(16))")
  }

  @Test func scopesLimitRepositoryPackageAndArchitecture() throws {
    func out(_ change: (inout Issuer) -> Void) throws -> [RejectionReason] {
      try reasons(list: Samples.list([Samples.issuer(1, change)]))
    }
    #expect(
      try out { $0.repositories = ["guru"] }
        == [.outOfScope(issuer: "builder-1", part: .repository, value: "gentoo")])
    #expect(
      try out { $0.packages = [pattern("dev-lang/*")] }
        == [.outOfScope(issuer: "builder-1", part: .package, value: "app-lab/caskcat")])
    #expect(
      try out { $0.architectures = ["arm64"] }
        == [.outOfScope(issuer: "builder-1", part: .architecture, value: "amd64")])
    #expect(
      try out {
        $0.repositories = ["gen*"]; $0.architectures = ["amd64"]
      } == [])
  }

  @Test func anIssuersTrustBeginsAndEnds() throws {
    let later = Samples.now + Samples.day
    func outside(_ change: (inout Issuer) -> Void) throws -> [RejectionReason] {
      try reasons(list: Samples.list([Samples.issuer(1, change)]))
    }
    #expect(
      try outside { $0.from = Samples.now } == [
        .beforeTrust(issuer: "builder-1", from: Samples.now)
      ])
    #expect(
      try outside { $0.from = later } == [.beforeTrust(issuer: "builder-1", from: later)])
    #expect(
      try outside { $0.until = Samples.now } == [
        .afterTrust(issuer: "builder-1", until: Samples.now)
      ])
    #expect(try outside { $0.until = later } == [])
  }

  @Test func expiredAndFutureDatedStatementsAreNotTaken() throws {
    #expect(try reasons { $0.expires = Samples.now } == [.expired(Samples.now)])
    let far = Samples.now + .seconds(3_600)
    #expect(try reasons { $0.created = far } == [.badTimes(.futureDated(far))])
  }

  @Test func aRevokedKeyTakesItsBuildsAlongEvenBackdatedOnes() throws {
    var list = Samples.list()
    list.revoke(Revocation(key: Samples.key(1).publicKey, from: Samples.now))
    #expect(
      try reasons(list: list) == [.revoked(issuer: "builder-1", from: Samples.now)])
  }

  @Test func withdrawnBuildsAreNotTaken() throws {
    let signed = try Samples.signed()
    let stone = try SignedStatement.sign(
      signed.statement.withdrawn(at: Samples.now), with: Samples.key(1))
    let verdict = judge([signed, stone])
    #expect(!verdict.isAccepted)
    #expect(
      Set(verdict.rejections.map(\.reason.message))
        == ["withdrawn by builder-1", "replaced by a newer statement of its issuer"])
  }

  @Test func aCPUFeatureThatTheHostLacksIsNamed() throws {
    let facts = Samples.facts { $0.cpu.features += ["avx2", "avx512f"] }
    let reason = try #require(try reasons(facts: facts).first)
    #expect(reason.message == "this CPU lacks avx512f")
  }

  @Test func elsewhereThanOnX86TheCPUsNameMustBeEqual() throws {
    let facts = Samples.facts {
      $0.target.arch = "arm64"
      $0.cpu = PackageFacts.CPU(march: "armv8-a")
    }
    #expect(try reasons(facts: facts) == [])
    #expect(
      try reasons({ $0.judged.march = "armv9-a" }, facts: facts)
        == [.cpuTarget(found: "armv9-a", expected: "armv8-a")])
  }

  @Test func aBuildWithoutKnownFeaturesIsOnlyForTheSameCPU() throws {
    let unresolved = Samples.facts { $0.cpu = PackageFacts.CPU() }
    #expect(try reasons(facts: unresolved) == [])
    let differ: (inout BuildStatement) -> Void = { $0.judged.flags = Self.digest(1) }
    let unknown = RejectionReason.cpuTarget(found: "", expected: "")
    #expect(try reasons(differ, facts: unresolved) == [unknown])
    let native = Samples.facts {
      $0.cpu = PackageFacts.CPU()
      $0.flags["CFLAGS"] = "-O2 -march=native"
    }
    #expect(try reasons(facts: native) == [unknown])
    let found = try reasons {
      $0.judged.features = CPUFeatures()
      $0.judged.level = nil
      $0.judged.march = ""
    }
    #expect(found == [.cpuTarget(found: "", expected: "x86-64-v2")])
  }

  static func digest(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 16) }

  static let keywordsEdit: @Sendable (inout BuildStatement) -> Void = {
    let own = $0.judged.recipe
    $0.judged.recipe = RecipeDigests(
      ebuild: digest(7), normalized: own.normalized, exact: digest(8))
  }
  static let eclassEdit: @Sendable (inout BuildStatement) -> Void = {
    let own = $0.judged.recipe
    $0.judged.recipe = RecipeDigests(
      ebuild: own.ebuild, normalized: own.normalized, exact: digest(8))
  }
  static let otherText: @Sendable (inout BuildStatement) -> Void = {
    $0.judged.recipe = RecipeDigests(ebuild: digest(7), normalized: digest(6), exact: digest(8))
  }

  @Test func inGentooTheRevisionDecides() throws {
    for change in [Self.keywordsEdit, Self.eclassEdit, Self.otherText] {
      #expect(try reasons(change) == [])
    }
  }

  @Test func elsewhereTheWholeRecipeMustBeTheSame() throws {
    let facts = Samples.facts { $0.repository = "overlay" }
    #expect(try reasons(facts: facts) == [])
    for (change, found) in [
      (Self.keywordsEdit, RecipeNearness.ebuild), (Self.eclassEdit, .ebuild),
      (Self.otherText, .revision),
    ] {
      #expect(try reasons(change, facts: facts) == [.recipe(found: found, policy: .exact)])
    }
  }

  @Test func underRecipeEbuildOnlyCommentsAndKeywordsMayDiffer() throws {
    let list = Samples.list { $0.recipe = .ebuild }
    #expect(try reasons(Self.keywordsEdit, list: list) == [])
    #expect(try reasons(Self.eclassEdit, list: list) == [])
    #expect(
      try reasons(Self.otherText, list: list) == [.recipe(found: .revision, policy: .ebuild)])
  }

  @Test func flagsMayDifferUnlessThePolicyIsExact() throws {
    let differ: (inout BuildStatement) -> Void = { $0.judged.flags = Self.digest(1) }
    #expect(try reasons(differ) == [])
    #expect(try reasons(differ, list: Samples.list { $0.flags = .exact }) == [.flags])
    let policies = [TrustPolicy(packages: [.all], rule: .oneOf([]), flags: .exact)]
    #expect(try reasons(differ, list: Samples.list(policies: policies)) == [.flags])
  }

  @Test func switchesForDebuggingAreEqualByDefault() throws {
    let differ: (inout BuildStatement) -> Void = { $0.judged.contentFeatures = .splitdebug }
    #expect(
      try reasons(differ) == [.contentFeatures(found: "splitdebug", expected: "none")])
    #expect(try reasons(differ, list: Samples.list { $0.contentFeatures = .any }) == [])
  }

  @Test func theCompilersMajorMattersOnlyWhereThePackageDependsOnIt() throws {
    let other = PackageFacts.Compiler(name: "gcc", version: "13.1.0")
    #expect(try reasons { $0.judged.compiler = other } == [])
    #expect(
      try reasons {
        $0.judged.compiler = other
        $0.judged.isBoundToCompiler = true
      } == [.compiler(found: "gcc 13.1.0", expected: "gcc 14.2.1")])
    #expect(
      try reasons {
        $0.judged.compiler.version = "14.3.0"
        $0.judged.isBoundToCompiler = true
      } == [])
  }

  @Test func libcMustBeTheSamePackageAndNotOlder() throws {
    let newer = HostFacts.Libc(package: "sys-libs/glibc", version: "2.42")
    #expect(
      try reasons { $0.judged.libc = newer }
        == [.libc(needed: "sys-libs/glibc-2.42", found: "sys-libs/glibc-2.41-r3")])
    #expect(
      try reasons { $0.judged.libc = HostFacts.Libc(package: "sys-libs/musl", version: "1.2") }
        == [.libc(needed: "sys-libs/musl-1.2", found: "sys-libs/glibc-2.41-r3")])
    #expect(try reasons { $0.judged.libc = nil } == [])
    #expect(
      try reasons(host: Samples.host { $0.libc = nil })
        == [.libc(needed: "sys-libs/glibc-2.40", found: "no libc package")])
  }

  @Test func symbolVersionsBeyondTheLibcAreNamed() throws {
    #expect(
      try reasons { $0.judged.symbols = ["GLIBCXX_3.4.99", "GLIBC_2.42"] }
        == [.symbolVersion(needed: "GLIBC_2.42", found: "sys-libs/glibc-2.41-r3")])
    #expect(try reasons { $0.judged.symbols = ["GLIBC_ABI_DT_RELR", "GLIBC_2.41"] } == [])
    #expect(
      try reasons { $0.judged.symbols = ["GLIBC_PRIVATE"] }
        == [.symbolVersion(needed: "GLIBC_PRIVATE", found: "sys-libs/glibc-2.41-r3")])
  }

  @Test func nearerRecipesThenWeightThenTheNewestBuildArePreferred() throws {
    let issuers = [Samples.issuer(1), Samples.issuer(2) { $0.weight = 200 }]
    let list = Samples.list(issuers)
    let old = try Samples.signed(root: 1, built: Samples.now - Samples.day)
    let new = try Samples.signed(root: 2, built: Samples.now - Samples.day + .seconds(5))
    let heavy = try Samples.signed(by: Samples.key(2), root: 3)
    let heavyFar = try Samples.signed(by: Samples.key(2), root: 4, Self.otherText)
    let verdict = judge([old, heavyFar, new, heavy], list: list)
    guard case .accepted(let acceptance) = verdict else {
      Issue.record("\(verdict)")
      return
    }
    #expect(acceptance.statement == heavy)
    #expect(acceptance.alternatives == [new, old, heavyFar])
    #expect(verdict.without(heavy, because: .noProvider).statement == new)
    let none = [heavy, new, old, heavyFar].reduce(verdict) {
      $0.without($1, because: .noProvider)
    }
    #expect(none.message == "no live provider" && none.rejections.count == 4)
  }

  @Test func theNearestMissIsOneFlagAway() throws {
    let other = Samples.facts { $0.use[2] = "-nls" }
    let verdict = judge([try Samples.signed(other)])
    guard case .rejected(let rejections, let miss) = verdict else {
      Issue.record("\(verdict)")
      return
    }
    #expect(miss == "one USE flag away: -nls")
    #expect(rejections.map(\.reason) == [.otherFingerprint])
    let untrusted = judge([try Samples.signed(other, by: Samples.key(7))])
    #expect(untrusted == .rejected(untrusted.rejections, nearestMiss: nil))
  }

  @Test func malformedFactsAreRejectedNotTrapped() throws {
    let verdict = judge([try Samples.signed()], facts: Samples.facts { $0.version = "x" })
    #expect(
      verdict.rejections.map(\.reason) == [.badFacts(.malformed(field: "version", value: "x"))])
  }
}
