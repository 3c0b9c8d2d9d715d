import Cryptography
import Storage
import Testing
import Trust
import Wire

@testable import Node

/// Rounds of fetching and checking without files: what each build's file says is in `contents`.
private struct Rounds {
  var builds: [PlannedBuild] = []
  var contents: [ContentRoot: GpkgDescription] = [:]
  var list = TrustList()
  private(set) var failures: [CheckRound.Failure] = []
  private(set) var count = 0

  init() throws {
    list = try NodeSamples.list(1, 2)
    list.issuers[0].weight = 200
  }

  /// Adds builds of a package: that of issuer 1 is preferred to that of issuer 2.
  mutating func add(
    _ name: String, _ variants: (provides: String, requires: String, slot: String)...
  ) throws {
    let facts = NodeSamples.facts(name)
    var build = try PlannedBuild(facts)
    var statements: Set<SignedStatement> = []
    for (place, variant) in variants.enumerated() {
      let root = UInt8(builds.count * 10 + place + 1)
      let description = try JointCheckTests.describe(
        JointCheckTests.gpkg(
          facts, provides: variant.provides, requires: variant.requires, slot: variant.slot))
      contents[NodeSamples.root(root)] = description
      statements.insert(
        try NodeSamples.signed(facts, by: UInt8(place + 1), root: root) { statement in
          statement.agreement = description.agreement
          statement.buildTime = description.buildTime
        })
    }
    build.take(statements, failed: [:])
    build.judge(by: list, host: NodeSamples.host(), now: NodeSamples.now)
    builds.append(build)
  }

  /// Runs rounds until nothing is open.
  mutating func run() {
    while builds.contains(where: { $0.verdict.isAccepted && !$0.isListed }), count < 20 {
      count += 1
      var places: [Int] = []
      var candidates: [JointCheck.Candidate] = []
      for (place, build) in builds.enumerated() {
        guard let statement = build.verdict.statement?.statement,
          let description = contents[statement.root]
        else { continue }
        places.append(place)
        candidates.append(
          .init(planned: build.facts, statement: statement, description: description))
      }
      let found = JointCheck.findings(of: candidates, host: NodeSamples.host(), installed: [])
      var round = CheckRound(
        builds, list: list, host: NodeSamples.host(), now: NodeSamples.now, isMoving: false)
      round.settle(Array(zip(places, found)).map { ($0.0, $0.1) })
      builds = round.builds
      failures += round.failures
    }
  }

  /// Which issuer's build is listed of each package; 0 for none.
  var listed: [Int] {
    builds.map { build in
      guard build.isListed, let issuer = build.verdict.statement?.issuer else { return 0 }
      return (list.issuers.firstIndex { $0.key == issuer } ?? -1) + 1
    }
  }
}

private let liba = "x86_64: liba.so.1"
private let libb = "x86_64: libb.so.1"

@Suite("What a round of checks makes of a plan")
struct CheckRoundTests {
  @Test func wrongBuildGivesWayToTheNextAndItsUsersKeepTheirs() throws {
    var rounds = try Rounds()
    try rounds.add("library", (liba, "", "7"), (liba, "", "0"))
    try rounds.add("user", ("", liba, "0"), ("", "", "0"))
    rounds.run()
    #expect(rounds.listed == [2, 1])
    #expect(rounds.failures.map(\.cpv) == ["app-lab/library-1.0"])
    #expect(rounds.failures.first?.reason.contains("SLOT is \"7\"") == true)
  }

  @Test func userOfALibraryThatStaysOutTakesItsNextStatement() throws {
    var rounds = try Rounds()
    try rounds.add("library", (liba, "", "7"))
    try rounds.add("user", ("", liba, "0"), ("", "", "0"))
    rounds.run()
    #expect(rounds.listed == [0, 2])
    #expect(rounds.failures.count == 1, "a missing library is nobody's fault")
    let reasons = rounds.builds[1].verdict.rejections.map(\.reason.message)
    #expect(reasons.contains { $0.hasPrefix("can't be used here: REQUIRES") })
  }

  @Test func whatWasLookedAtAndIsNotListedIsUnsound() throws {
    var rounds = try Rounds()
    try rounds.add("library", (liba, "", "7"))
    try rounds.add("user", ("", liba, "0"), ("", "", "0"))
    try rounds.add("alone", ("", "", "0"), ("", "", "7"))
    rounds.run()
    #expect(rounds.listed == [0, 2, 1])
    // The second build of the last one was never opened: nothing is known against it.
    #expect(rounds.builds.unsound == [NodeSamples.root(1), NodeSamples.root(11)])
  }

  @Test func soundFileIsUnsoundNoMore() throws {
    var rounds = try Rounds()
    try rounds.add("user", ("", "", "0"))
    rounds.builds[0].note(isSound: false)
    #expect(rounds.builds.unsound == [NodeSamples.root(1)])
    rounds.run()
    #expect(rounds.listed == [1] && rounds.builds.unsound.isEmpty)
  }

  @Test func onlyTheRootOfAChainLosesItsStatement() throws {
    var rounds = try Rounds()
    try rounds.add("last", ("", libb, "0"), ("", "", "0"))
    try rounds.add("middle", (libb, liba, "0"), (libb, "", "0"))
    rounds.run()
    #expect(rounds.listed == [1, 2])
  }

  @Test func whatNothingFitsIsLeftToTheSource() throws {
    var rounds = try Rounds()
    try rounds.add("user", ("", liba, "0"), ("", libb, "0"))
    try rounds.add("alone", ("", "", "0"))
    rounds.run()
    #expect(rounds.listed == [0, 1])
    #expect(rounds.builds[0].verdict.rejections.count == 2)
  }

  /// Random plans: the rounds end, and what is listed has every library that it needs.
  @Test(arguments: 0..<40 as Range<UInt64>)
  func whatIsListedProvidesForItself(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var rounds = try Rounds()
    func library() -> String {
      let number = Int.random(in: 0..<8, using: &random)
      return number < 4 ? "x86_64: lib\(number).so.1" : ""
    }
    for package in 0..<4 {
      let variants = (0..<2).map { _ in
        (library(), library(), Int.random(in: 0..<4, using: &random) == 0 ? "7" : "0")
      }
      try rounds.add("p\(package)", variants[0], variants[1])
    }
    rounds.run()
    #expect(rounds.count <= 9, "seed \(seed)")
    let standing = rounds.builds.compactMap { build -> JointCheck.Candidate? in
      guard build.isListed, let statement = build.verdict.statement?.statement,
        let description = rounds.contents[statement.root]
      else { return nil }
      return .init(planned: build.facts, statement: statement, description: description)
    }
    let found = JointCheck.findings(of: standing, host: NodeSamples.host(), installed: [])
    #expect(found.allSatisfy { $0 == .sound }, "seed \(seed)")
  }
}

@Suite("Claims that failed their check")
struct FailedChecksTests {
  private let facts = NodeSamples.facts()

  private func check(_ signed: SignedStatement) -> FailedChecks {
    FailedChecks([
      .init(
        issuer: signed.issuer.bytes, claim: signed.statement.claim, reason: "SLOT is wrong",
        expires: signed.statement.expires)
    ])
  }

  @Test func renewedStatementFailsAndACorrectedOneIsLookedAt() throws {
    let signed = try NodeSamples.signed(facts)
    let renewed = try SignedStatement.sign(
      signed.statement.renewed(at: NodeSamples.now), with: NodeSamples.key(1))
    let corrected = try NodeSamples.signed(facts) { $0.agreement = .zero }
    let other = try NodeSamples.signed(facts, by: 2)
    #expect(
      check(signed).among([signed, renewed, corrected, other])
        == [signed: "SLOT is wrong", renewed: "SLOT is wrong"])
  }

  @Test func nextPlanShowsTheFieldAndTakesTheNextBest() throws {
    let bad = try NodeSamples.signed(facts, by: 1, root: 1)
    let good = try NodeSamples.signed(facts, by: 2, root: 2)
    var build = try PlannedBuild(facts)
    let list = try NodeSamples.list(1, 2)
    for (found, taken) in [([bad, good], good), ([bad], nil)] {
      build.take(Set(found), failed: check(bad).among(found))
      build.judge(by: list, host: NodeSamples.host(), now: NodeSamples.now)
      #expect(build.verdict.statement == taken)
      #expect(build.verdict.rejections.map(\.reason) == [.mismatch("SLOT is wrong")])
    }
    let row = build.row { "\($0.issuer)" }
    #expect(row.verdict == .rejected && row.why.contains("SLOT is wrong"))
  }

  @Test func failedBuildConfirmsNoOther() throws {
    let bad = try NodeSamples.signed(facts, by: 1, root: 1)
    let good = try NodeSamples.signed(facts, by: 2, root: 2)
    var list = try NodeSamples.list(1, 2)
    list.policies = [TrustPolicy(packages: [.all], rule: .agreeing(2, of: []))]
    var build = try PlannedBuild(facts)
    build.take([bad, good], failed: [:])
    build.judge(by: list, host: NodeSamples.host(), now: NodeSamples.now)
    #expect(build.verdict.isAccepted)
    build.failed[bad] = "SLOT is wrong"
    build.judge(by: list, host: NodeSamples.host(), now: NodeSamples.now)
    guard case .waiting(1, 2, _) = build.verdict else {
      Issue.record("\(build.verdict)")
      return
    }
  }

  @Test func whatHasNoProviderIsPassedOverUntilTheNextLookUp() throws {
    let first = try NodeSamples.signed(facts, by: 1, root: 1)
    let second = try NodeSamples.signed(facts, by: 2, root: 2)
    var build = try NodeSamples.build(facts, [first, second], issuers: 1, 2)
    let taken = try #require(build.verdict.statement)
    build.setAside(because: .noProvider)
    let list = try NodeSamples.list(1, 2)
    build.judge(by: list, host: NodeSamples.host(), now: NodeSamples.now)
    #expect(build.verdict.statement != taken && build.verdict.isAccepted)
    build.take([first, second], failed: [:])
    build.judge(by: list, host: NodeSamples.host(), now: NodeSamples.now)
    #expect(build.verdict.statement == taken)
  }
}
