import Simulation
import Testing

/// Small runs of the scenarios; `larder simulate` runs them at full size.
@Suite struct ScenarioTests {
  static func report(_ scenario: Scenario, nodes: Int, seed: UInt64 = 1) -> ScenarioReport {
    var options = ScenarioOptions(nodes: nodes, seed: seed)
    options.lookups = 20
    var run = ScenarioRun(options: options)
    return run.run(scenario)
  }

  @Test func oneSeedGivesOneTraceAndOneReport() {
    let first = Self.report(.lookup, nodes: 100, seed: 5)
    let second = Self.report(.lookup, nodes: 100, seed: 5)
    #expect(first.trace == second.trace)
    #expect(first.rttsP95 == second.rttsP95)
    #expect(first.trace != Self.report(.lookup, nodes: 100, seed: 6).trace)
    #expect(first.success == 1)
  }

  @Test func theReportHasEveryKeyAndNullsWhereNothingApplies() {
    let json = ScenarioReport().json
    for key in [
      "scenario", "nodes", "seed", "trace", "lookups", "success", "rpcs_per_lookup_p50",
      "rpcs_per_lookup_mean", "rtts_p50", "rtts_p95", "rpcs_per_key", "rounds",
      "upkeep_bytes_per_second", "memory_bytes_per_node", "size_estimate_error", "cpu_seconds",
    ] {
      #expect(json.contains("\"\(key)\":"))
    }
    #expect(json.contains("\"success\":null"))
  }

  @Test func aFifthOfLiarsHidesNothing() {
    #expect(Self.report(.hostile, nodes: 200).success == 1)
  }
}
