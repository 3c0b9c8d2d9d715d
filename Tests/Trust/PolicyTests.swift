import Cryptography
import Testing
import Wire

@testable import Trust

@Suite("Policies") struct PolicyTests {
  func judge(
    _ statements: [SignedStatement], _ rule: TrustPolicy.Rule,
    issuers: [UInt8] = [1, 2, 3], _ change: (inout TrustList) -> Void = { _ in }
  ) -> Verdict {
    let policies = [TrustPolicy(packages: [.all], rule: rule)]
    let list = Samples.list(issuers.map { Samples.issuer($0) }, policies: policies, change)
    return list.judge(statements, for: Samples.facts(), host: Samples.host(), now: Samples.now)
  }

  func built(by number: UInt8, agreement: UInt8 = 9, root: UInt8? = nil) throws -> SignedStatement {
    try Samples.signed(by: Samples.key(number), root: root ?? number, agreement: agreement)
  }

  @Test func ownTakesOnlyThisHostsBuilds() throws {
    let others = try [built(by: 1), built(by: 2)]
    #expect(!judge(others, .own).isAccepted)
    let own = try built(by: 9)
    let verdict = judge(others + [own], .own) { $0.ownKeys = [Samples.key(9).publicKey] }
    #expect(verdict.statement == own)
    #expect(verdict.rejections.count == 2)
  }

  @Test func oneOfTakesOnlyNamedIssuers() throws {
    let verdict = judge(try [built(by: 1), built(by: 2)], .oneOf(["builder-2"]))
    #expect(verdict.statement?.issuer == Samples.key(2).publicKey)
    #expect(
      verdict.rejections.map(\.reason) == [
        .notNamed(issuer: "builder-1", policy: "*/*: one of builder-2")
      ])
  }

  @Test func systemPackagesWantAnIssuerThatMayBuildThem() throws {
    let list = Samples.list([Samples.issuer(1), Samples.issuer(2) { $0.mayBuildSystem = true }])
    let host = Samples.host { $0.systemPackages = ["app-lab/caskcat"] }
    let facts = Samples.facts()
    let plain = list.judge([try built(by: 1)], for: facts, host: host, now: Samples.now)
    #expect(
      plain.rejections.map(\.reason.message) == [
        "builder-1 is not who the policy wants "
          + "(@system @toolchain: an issuer that may build @system)"
      ])
    let named = list.judge([try built(by: 2)], for: facts, host: host, now: Samples.now)
    #expect(named.isAccepted)
  }

  @Test func agreementWantsEnoughIssuersWithOneDigest() throws {
    let one = try built(by: 1)
    #expect(judge([one], .agreeing(2, of: [])) == .waiting(have: 1, need: 2, rejections: []))
    let verdict = judge([one, try built(by: 2)], .agreeing(2, of: []))
    guard case .accepted(let acceptance) = verdict else {
      Issue.record("\(verdict)")
      return
    }
    #expect(acceptance.agreeing == ["builder-1", "builder-2"])
    #expect(acceptance.why.contains("confirmed by"))
  }

  @Test func oneIssuerWithTwoFilesCountsOnce() throws {
    let twice = try [built(by: 1, root: 1), built(by: 1, root: 2)]
    #expect(judge(twice, .agreeing(2, of: [])) == .waiting(have: 1, need: 2, rejections: []))
  }

  @Test func onlyNamedIssuersCountTowardsAgreement() throws {
    let verdict = judge(
      try [built(by: 1), built(by: 3)], .agreeing(2, of: ["builder-1", "builder-2"]))
    guard case .waiting(1, 2, let rejections) = verdict else {
      Issue.record("\(verdict)")
      return
    }
    #expect(rejections.count == 1)
  }

  @Test func aBuildWithAnotherDigestIsNotConfirmed() throws {
    let verdict = judge(
      try [built(by: 1, agreement: 8), built(by: 2, agreement: 9)], .agreeing(2, of: []))
    guard case .waiting(1, 2, let rejections) = verdict else {
      Issue.record("\(verdict)")
      return
    }
    #expect(rejections.map(\.reason) == [.disagreement(["builder-1", "builder-2"])])
    #expect(verdict.message.hasSuffix("; trusted builders disagree: builder-1, builder-2"))
  }

  @Test func disagreementOfTrustedIssuersIsShown() throws {
    let verdict = judge(
      try [built(by: 1), built(by: 2), built(by: 3, agreement: 8)], .agreeing(2, of: []))
    guard case .accepted(let acceptance) = verdict else {
      Issue.record("\(verdict)")
      return
    }
    #expect(acceptance.disagreeing.map(\.issuers) == [["builder-3"]])
    #expect(acceptance.why.hasSuffix("differs from what builder-3 built"))
    let single = judge(try [built(by: 1), built(by: 3, agreement: 8)], .oneOf([]))
    #expect(single.isAccepted && single.message.contains("differs from what builder-"))
  }

  @Test func twoCampsThatBothHaveEnoughConfirmNothing() throws {
    let statements = try [
      built(by: 1), built(by: 2), built(by: 3, agreement: 8), built(by: 4, agreement: 8),
    ]
    let verdict = judge(statements, .agreeing(2, of: []), issuers: [1, 2, 3, 4])
    #expect(!verdict.isAccepted)
    #expect(verdict.message.hasPrefix("trusted builders disagree"))
  }

  /// A random world against the rules written down once more, slowly.
  @Test(arguments: 0..<200 as Range<UInt64>)
  func verdictsMatchAStupidModel(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let trusted = (1...5).filter { _ in Bool.random(using: &random) }.map { UInt8($0) }
    let need = Int.random(in: 1...3, using: &random)
    var statements: [SignedStatement] = []
    var model: [UInt8: Set<UInt8>] = [:]
    for root in 1...UInt8.random(in: 1...8, using: &random) {
      let issuer = UInt8.random(in: 1...5, using: &random)
      let agreement = UInt8.random(in: 1...2, using: &random)
      let fault = Int.random(in: 0..<6, using: &random)
      statements.append(
        try Samples.signed(by: Samples.key(issuer), root: root, agreement: agreement) {
          switch fault {
          case 0: $0.expires = Samples.now
          case 1: $0.judged.features = CPUFeatures(["avx512f"])
          case 2: $0.judged.libc = HostFacts.Libc(package: "sys-libs/musl", version: "1")
          default: break
          }
        })
      if fault > 2, trusted.contains(issuer) { model[agreement, default: []].insert(issuer) }
    }
    statements.shuffle(using: &random)
    let verdict = judge(statements, .agreeing(need, of: []), issuers: trusted)
    let camps = model.values.filter { $0.count >= need }
    switch verdict {
    case .accepted(let acceptance):
      #expect(camps.count == 1)
      let names = camps.first?.map { "builder-\($0)" }.sorted()
      #expect(acceptance.agreeing == names)
      #expect(acceptance.alternatives.count + acceptance.rejections.count < statements.count)
    case .waiting(let have, let wanted, _):
      #expect(camps.isEmpty && !model.isEmpty)
      #expect(have == model.values.map(\.count).max() && wanted == need)
    case .rejected(let rejections, _):
      #expect(model.isEmpty || camps.count > 1)
      #expect(!rejections.isEmpty)
    }
    var again = statements
    again.shuffle(using: &random)
    #expect(judge(again, .agreeing(need, of: []), issuers: trusted).statement == verdict.statement)
  }
}
