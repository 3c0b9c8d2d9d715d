import FoundationEssentials
import Testing
import Trust
import Wire

@testable import Node

@Suite("The plan with the listed binaries")
struct SecondPlanTests {
  private func listed(_ facts: PackageFacts) throws -> PlannedBuild {
    var build = try NodeSamples.build(facts, [NodeSamples.signed(facts)], issuers: 1)
    build.isListed = true
    return build
  }

  private func binary(
    _ facts: PackageFacts, built: Timestamp? = NodeSamples.now - NodeSamples.day,
    repo: String? = "larder"
  ) throws -> PackageFacts {
    var facts = facts
    facts.kind = .binary
    let time = built.map { "\($0.seconds)" } ?? "null"
    let json = "{\"build_time\": \(time), \"repo\": \"\(repo ?? "")\"}"
    facts.binary = try JSONDecoder().decode(PackageFacts.Binary.self, from: Data(json.utf8))
    return facts
  }

  @Test func buildToolsThatABinaryInstallSkipsFallAway() throws {
    let (hello, tool) = (NodeSamples.facts("hello"), NodeSamples.facts("tool"))
    let plan = SecondPlan(
      [try binary(hello)], over: [try PlannedBuild(tool), try listed(hello)])
    #expect(plan.builds.map(\.facts.package) == ["hello"])
    #expect(plan.builds[0].isListed)
    #expect(plan.remaining.isEmpty)
  }

  @Test func orderIsPortages() throws {
    let names = ["c", "a", "b"]
    let builds = try ["a", "b", "c"].map { try PlannedBuild(NodeSamples.facts($0)) }
    let plan = SecondPlan(names.map { NodeSamples.facts($0) }, over: builds)
    #expect(plan.builds.map(\.facts.package) == names)
    #expect(plan.remaining.count == 3)
  }

  @Test func sourceThatPortagePrefersIsNotListedAndSaysSo() throws {
    let facts = NodeSamples.facts()
    let plan = SecondPlan([facts], over: [try listed(facts)])
    #expect(!plan.builds[0].isListed)
    #expect(plan.builds[0].trouble?.contains("prefers the source") == true)
    #expect(plan.remaining.count == 1)
  }

  @Test func binaryOfAnotherBinhostIsNotClaimed() throws {
    let facts = NodeSamples.facts()
    let plan = SecondPlan(
      [try binary(facts, repo: "gentoobinhost")], over: [try PlannedBuild(facts)])
    #expect(!plan.builds[0].isListed)
    #expect(plan.builds[0].otherBinary == "gentoobinhost")
    #expect(plan.remaining.isEmpty)
  }

  @Test func newerBuildOfTheSameVersionElsewhereIsNotClaimed() throws {
    let facts = NodeSamples.facts()
    let plan = SecondPlan(
      [try binary(facts, built: NodeSamples.now, repo: "")], over: [try listed(facts)])
    #expect(!plan.builds[0].isListed)
    #expect(plan.builds[0].otherBinary == "PKGDIR")
  }

  @Test func packageThatOnlyTheSecondPlanHasIsTakenIn() throws {
    let plan = SecondPlan([NodeSamples.facts("new")], over: [])
    #expect(plan.remaining.map(\.facts.package) == ["new"])
  }

  @Test func slotsOfOneVersionAreTwoPackages() throws {
    let first = NodeSamples.facts { $0.slot = "1" }
    let second = NodeSamples.facts { $0.slot = "2" }
    let plan = SecondPlan([try binary(first), second], over: [try listed(first)])
    #expect(plan.builds.map(\.isListed) == [true, false])
  }
}
