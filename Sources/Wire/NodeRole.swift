/// What a node is for others.
public enum NodeRole: String, Sendable, Hashable, Codable, CaseIterable {
  /// A machine that may leave at any time.
  case desktop
  /// An always-on node that keeps builds available.
  case seeder
}
