import Glibc

/// The scenario's numbers, by the names that every system of `make bench-dht` takes.
struct BenchOptions: Codable, Sendable {
  /// Nodes in the network.
  var nodes = 64
  /// Puts, and then gets of the same values.
  var ops = 60
  /// The bytes of one signed value.
  var size = 500
  /// Operations at once.
  var concurrency = 4
  /// The share of the nodes that fall silent before the last gets.
  var kill = 0.3
  /// Seconds of rest after the last node has joined.
  var settle = 10.0
  /// Seconds over which the traffic at rest is measured.
  var idle = 10.0
  /// Seconds that joining may take.
  var bootLimit = 90.0
  /// Seconds that one operation may take.
  var opLimit = 30.0
  /// The seed of keys, values and choices.
  var seed: UInt64 = 7

  /// The options of `--name value` pairs; nil if one is unknown or no number.
  init?(_ arguments: [String]) {
    var rest = arguments[...]
    while let name = rest.popFirst() {
      guard let text = rest.popFirst(), let value = Double(text), value >= 0, value < 1e9 else {
        return nil
      }
      switch name {
      case "--nodes": nodes = Int(value)
      case "--ops": ops = Int(value)
      case "--size": size = Int(value)
      case "--concurrency": concurrency = Int(value)
      case "--kill": kill = value
      case "--settle": settle = value
      case "--idle": idle = value
      case "--boot-limit": bootLimit = value
      case "--op-limit": opLimit = value
      case "--seed": seed = UInt64(value)
      default: return nil
      }
    }
    guard nodes > 1, nodes <= 4_000, ops > 0, size >= 300, size <= 1_000, concurrency > 0, kill < 1
    else { return nil }
  }
}
