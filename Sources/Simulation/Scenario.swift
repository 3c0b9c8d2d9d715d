/// A story that a virtual network is put through.
public enum Scenario: String, Sendable, CaseIterable {
  /// Puts, then gets of single keys; upkeep when nobody asks.
  case lookup
  /// One get of 300 keys.
  case many
  /// Gets while half of the nodes are replaced each hour.
  case churn
  /// A network in two halves that become one again.
  case partition
  /// A share of random nodes lies.
  case hostile
  /// Attackers with ids ground to crowd a key.
  case eclipse
  /// A thousand statements of strangers under one key.
  case junk
  /// A million stores by one issuer or one network.
  case flood
  /// Most nodes behind NATs of all kinds.
  case nat
}

/// What a scenario may be told.
public struct ScenarioOptions: Sendable {
  /// The nodes of the network.
  public var nodes: Int
  /// The seed from which everything follows.
  public var seed: UInt64
  /// Look-ups to measure; nil for as many as the network's size suggests.
  public var lookups: Int?
  /// The part of the nodes that lies, for `hostile`.
  public var hostileShare = 0.2
  /// The networks that the attackers' addresses are in, for `eclipse`.
  public var attackerNetworks = 16
  /// How long nodes come and go, for `churn`; nil for two hours, half an hour from 50,000 nodes on.
  public var churnSpan: Duration?
  /// Whether the limit on new destinations is kept, for `many`.
  public var keepsDestinationLimit = true
  /// Sessions are Weibull's with many short ones, for `churn`; else exponential.
  public var isWeibull = false

  /// Options with these two and the defaults.
  public init(nodes: Int, seed: UInt64) {
    self.nodes = nodes
    self.seed = seed
  }
}
