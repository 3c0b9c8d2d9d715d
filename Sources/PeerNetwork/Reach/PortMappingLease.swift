import Wire

/// What a router granted, until when it holds, and when it is to be asked again: after half of the time
/// (RFC 6886 §3.3), after failures ever later.
struct PortMappingLease {
  /// The shortest pause between two requests, whatever the router grants.
  static let shortestPause = Duration.seconds(30)
  /// The pause after a first failure; each further one doubles it.
  static let firstPause = Duration.seconds(60)
  /// The longest pause after failures.
  static let longestPause = Duration.seconds(1_800)

  private var granted: (mapping: PortMapping, ends: Instant)?
  private var failures = 0

  /// What the router passes on now; nil if nothing.
  var mapping: PortMapping? { granted?.mapping }

  /// The pause before the next request, at the latest when what was granted ends.
  func pause(now: Instant) -> Duration {
    if failures == 0, let mapping {
      return max(mapping.lifetime / 2, Self.shortestPause)
    }
    let doublings = min(max(failures - 1, 0), 5)
    let pause = min(Self.firstPause * (1 << doublings), Self.longestPause)
    guard let ends = granted?.ends else { return pause }
    return min(pause, max(ends - now, Self.shortestPause))
  }

  /// The router grants a mapping; whether it leads to another address than before.
  mutating func grant(_ mapping: PortMapping, now: Instant) -> Bool {
    let before = granted?.mapping.address
    granted = (mapping, now + mapping.lifetime)
    failures = 0
    return mapping.address != before
  }

  /// No router grants anything: the former mapping holds to its end.
  mutating func fail(now: Instant) {
    failures += 1
    if let ends = granted?.ends, ends <= now { granted = nil }
  }

  /// The mapping was given back.
  mutating func end() { granted = nil }
}
