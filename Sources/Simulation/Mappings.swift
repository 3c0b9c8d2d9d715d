import Wire

/// The ways that a NAT keeps open: to whom a node wrote within the last two minutes (RFC 4787 §4.3).
struct Mappings: Sendable {
  private var last: Instant?
  private var times: [Int: Instant] = [:]
  private var cleaned = Instant.zero
  private static let life = Duration.seconds(120)

  /// Notes that the node wrote to another.
  mutating func wrote(to node: Int, now: Instant) {
    last = now
    times[node] = now
    guard now - cleaned > Self.life else { return }
    cleaned = now
    times = times.filter { now - $0.value < Self.life }
  }

  /// Whether the node wrote to anybody lately.
  func isUsed(now: Instant) -> Bool { last.map { now - $0 < Self.life } ?? false }

  /// Whether the node wrote to this one lately.
  func isOpen(for node: Int, now: Instant) -> Bool {
    times[node].map { now - $0 < Self.life } ?? false
  }
}
