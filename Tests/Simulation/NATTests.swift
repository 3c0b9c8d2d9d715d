import DHT
import Simulation
import Testing
import Wire

/// A network in which most nodes are behind NATs.
@Suite struct NATTests {
  @Test func nobodyKeepsWhoCannotBeReachedAndAllAreServed() throws {
    let report = ScenarioTests.report(.nat, nodes: 40, seed: 2)
    #expect(report.success == 1)
    let roles = try #require(report.notes.first)
    #expect(roles.contains("restricted 0/"))
    #expect(roles.contains("symmetric 0/"))
    #expect(roles.contains("undialable nodes in tables: 0"))
    // Two that look at whom they wrote to reach each other at the same time; two whose ports nobody can
    // foretell never do.
    let restricted = try #require(
      report.notes.first { $0.hasPrefix("punches from restricted") })
    #expect(restricted.contains("restricted 1") || restricted.contains("restricted 2"))
    let symmetric = try #require(report.notes.first { $0.hasPrefix("punches from symmetric") })
    #expect(symmetric.contains("symmetric 0/"))
    let again = ScenarioTests.report(.nat, nodes: 40, seed: 2)
    #expect(again.trace == report.trace)
    #expect(again.notes == report.notes)
  }
}
