import Cryptography
import Testing
import Trust
import Wire

@testable import Node

@Suite("A row of the plan")
struct PlannedBuildTests {
  private let facts = NodeSamples.facts()

  private func row(_ build: PlannedBuild) -> PlanReport.Row {
    build.row { "\($0.issuer.bytes.hex.prefix(4))" }
  }

  @Test func buildThatNobodyHasIsMissing() throws {
    let row = row(try PlannedBuild(facts))
    #expect(row.package == "app-lab/hello-1.0")
    #expect(row.verdict == .missing)
    #expect(row.source == "source")
    #expect(row.size == 0)
    #expect(row.why.contains("no statement"))
  }

  @Test func buildOfAStrangerIsRejectedAndNamesItsKey() throws {
    let signed = try NodeSamples.signed(facts, by: 7)
    let row = row(try NodeSamples.build(facts, [signed], issuers: 1))
    #expect(row.verdict == .rejected)
    #expect(row.why.contains("untrusted issuer \(signed.issuer.bytes.hex.prefix(16))"))
  }

  @Test func aNearMissAloneIsMissingAndIsNamed() throws {
    let other = NodeSamples.facts { $0.use = ["doc", "nls"] }
    let signed = try NodeSamples.signed(other)
    let row = row(try NodeSamples.build(facts, [signed], issuers: 1))
    #expect(row.verdict == .missing)
    #expect(row.why.contains("one USE flag away"))
  }

  @Test func acceptedBuildShowsItsIssuerAndSize() throws {
    let signed = try NodeSamples.signed(facts)
    let row = row(try NodeSamples.build(facts, [signed], issuers: 1))
    #expect(row.verdict == .accepted)
    #expect(row.source == "\(signed.issuer.bytes.hex.prefix(4))")
    #expect(row.size == 4_096)
    #expect(row.why.contains("built by builder-1"))
  }

  @Test func buildWithoutAProviderGivesWayToTheNextOneAndThenSaysSo() throws {
    let first = try NodeSamples.signed(facts, by: 1, root: 1)
    let second = try NodeSamples.signed(facts, by: 2, root: 2)
    var build = try NodeSamples.build(facts, [first, second], issuers: 1, 2)
    let taken = try #require(build.verdict.statement)
    build.verdict = build.verdict.without(taken, because: .noProvider)
    let next = try #require(build.verdict.statement)
    #expect(Set([taken, next]) == [first, second])
    build.verdict = build.verdict.without(next, because: .noProvider)
    build.trouble = "connection refused"
    #expect(build.lacksProvider)
    let row = row(build)
    #expect(row.verdict == .rejected)
    #expect(row.why == "no live provider; connection refused")
  }

  @Test func listedOutranksEverything() throws {
    var build = try NodeSamples.build(facts, [NodeSamples.signed(facts)], issuers: 1)
    build.isListed = true
    build.isBuilding = true
    #expect(row(build).verdict == .listed)
  }

  @Test func buildThatTheCloudWasAskedForIsBuildingUnlessAPeerHasIt() throws {
    var build = try PlannedBuild(facts)
    build.isBuilding = true
    #expect(row(build).verdict == .building)
    #expect(row(build).source == "cloud")
    build.verdict = try NodeSamples.build(facts, [NodeSamples.signed(facts)], issuers: 1).verdict
    #expect(row(build).verdict == .accepted)
  }

  @Test func reportCountsWhatNeedsNoCompiling() throws {
    var listed = try PlannedBuild(facts)
    listed.isListed = true
    var other = try PlannedBuild(facts)
    other.otherBinary = "gentoo"
    let accepted = try NodeSamples.build(facts, [NodeSamples.signed(facts)], issuers: 1)
    let missing = try PlannedBuild(facts)
    let rows = [listed, other, accepted, missing].map(row)
    #expect(rows.map(\.verdict) == [.listed, .binary, .accepted, .missing])
    #expect(PlanReport(rows: rows, notes: []).withoutCompiling == 3)
  }
}
