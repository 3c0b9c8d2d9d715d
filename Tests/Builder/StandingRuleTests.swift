import TestSupport
import Testing
import Trust

@testable import Builder

@Suite("The standing rule") struct StandingRuleTests {
  private let packages = (0..<4).map { RequestFixture.facts(version: "1.\($0)") }

  private func rule(
    awaited: [PackageFacts] = [], failed: [PackageFacts] = [], left: Int
  ) throws -> StandingRule {
    StandingRule(
      awaited: Set(try awaited.map { try Fingerprint(of: $0) }),
      failed: Set(try failed.map { try Fingerprint(of: $0) }), left: left)
  }

  @Test func asksInOrderForAsManyAsAreLeft() throws {
    #expect(try rule(left: 2).choice(of: packages) == Array(packages[..<2]))
    #expect(try rule(left: 9).choice(of: packages) == packages)
    #expect(try rule(left: 0).choice(of: packages).isEmpty)
  }

  @Test func whatIsAwaitedOrFailedIsSkippedAndCostsNothing() throws {
    let rule = try rule(awaited: [packages[0]], failed: [packages[2]], left: 2)
    #expect(rule.choice(of: packages) == [packages[1], packages[3]])
  }

  @Test func samePackageTwiceIsAskedForOnce() throws {
    #expect(try rule(left: 3).choice(of: [packages[0], packages[0]]) == [packages[0]])
  }

  @Test func whatNoBuilderTakesLeavesRoomForTheNext() throws {
    let odd = RequestFixture.facts(version: "3.0", cflags: "-O2 -fplugin=x.so")
    #expect(try rule(left: 1).choice(of: [odd, packages[1]]) == [packages[1]])
  }
}
