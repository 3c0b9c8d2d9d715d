/// What a scenario measured; its JSON keys are part of the command's interface.
public struct ScenarioReport: Sendable, Equatable {
  /// The scenario's name.
  public var scenario = ""
  /// The nodes of the network.
  public var nodes = 0
  /// The seed from which everything follows.
  public var seed: UInt64 = 0
  /// The digest of every delivery: equal for equal seeds.
  public var trace = ""
  /// Look-ups measured.
  public var lookups = 0
  /// The part of them that found what was stored.
  public var success: Double?
  /// Requests that a look-up sent, the median.
  public var rpcsPerLookupP50: Double?
  /// The same, the mean.
  public var rpcsPerLookupMean: Double?
  /// How long a look-up took in mean round trips of the network, the median.
  public var rttsP50: Double?
  /// The same, 95th percentile.
  public var rttsP95: Double?
  /// Requests for each key of a request of many.
  public var rpcsPerKey: Double?
  /// Replies of a request of many that had to come one after the other, each to a request that the
  /// one before led to: the most for any of its keys, the mean of all such requests.
  public var rounds: Double?
  /// What a server sent a second when nobody asked for anything, headers of IP and UDP included.
  public var upkeepBytesPerSecond: Double?
  /// Resident memory of the process for each node, in bytes.
  public var memoryBytesPerNode: Double?
  /// The mean error of the nodes' estimates of the network's size, as a part of the size.
  public var sizeEstimateError: Double?
  /// Processor time of the whole run, in seconds.
  public var cpuSeconds = 0.0
  /// What else is worth knowing, for the table.
  public var notes: [String] = []

  /// A report of nothing yet.
  public init() {}

  /// One JSON object with every key, null where the scenario has no such figure.
  public var json: String {
    var fields: [String] = [
      "\"scenario\":\"\(scenario)\"", "\"nodes\":\(nodes)", "\"seed\":\(seed)",
      "\"trace\":\"\(trace)\"", "\"lookups\":\(lookups)",
    ]
    for (key, value) in figures { fields.append("\"\(key)\":\(value.map(Self.text) ?? "null")") }
    return "{" + fields.joined(separator: ",") + "}"
  }

  /// The figures by their keys, in the order of the interface.
  public var figures: [(key: String, value: Double?)] {
    [
      ("success", success), ("rpcs_per_lookup_p50", rpcsPerLookupP50),
      ("rpcs_per_lookup_mean", rpcsPerLookupMean), ("rtts_p50", rttsP50), ("rtts_p95", rttsP95),
      ("rpcs_per_key", rpcsPerKey), ("rounds", rounds),
      ("upkeep_bytes_per_second", upkeepBytesPerSecond),
      ("memory_bytes_per_node", memoryBytesPerNode), ("size_estimate_error", sizeEstimateError),
      ("cpu_seconds", cpuSeconds),
    ]
  }

  /// A number with at most four digits behind the point.
  public static func text(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    let scaled = (value * 10_000).rounded() / 10_000
    return scaled == scaled.rounded() && abs(scaled) < 1e15 ? "\(Int64(scaled))" : "\(scaled)"
  }
}
