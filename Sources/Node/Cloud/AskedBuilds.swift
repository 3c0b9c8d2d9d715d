import Binhost
import Cloud
import Trust
import Wire

/// Where the builds stand that this node asked a gateway for, as the status shows them.
struct AskedBuilds: Sendable {
  /// A build that was asked for.
  struct Build: Sendable, Equatable {
    let cpv: String
    let fingerprint: Fingerprint
    /// When it was asked for; nil if that is not known.
    let since: Timestamp?

    fileprivate var began: Timestamp { since ?? Timestamp(0) }
  }

  /// Those that a command waits for, by request.
  private var followed: [String: [Build]] = [:]
  private var statuses: [Fingerprint: PackageStatus] = [:]

  /// A command waits for what the gateway took of this request.
  mutating func follow(_ answers: [PackageStatus], as group: String, now: Timestamp) {
    for status in answers {
      guard let fingerprint = status.fingerprint else { continue }
      note(status)
      followed[group, default: []].append(
        Build(cpv: status.cpv, fingerprint: fingerprint, since: now))
    }
  }

  /// The command has ended.
  mutating func end(_ group: String) {
    for build in followed.removeValue(forKey: group) ?? [] { forget(build.fingerprint) }
  }

  /// What the gateway said last of a build.
  mutating func note(_ status: PackageStatus) {
    if let fingerprint = status.fingerprint { statuses[fingerprint] = status }
  }

  /// The build has ended.
  mutating func forget(_ fingerprint: Fingerprint) {
    statuses[fingerprint] = nil
  }

  /// The rows of the status, newest first; a build that two requests wait for is one.
  func jobs(background: [Build], now: Timestamp) -> [StatusSnapshot.Job] {
    var builds: [Fingerprint: Build] = [:]
    for build in background + followed.values.flatMap(\.self) {
      if let known = builds[build.fingerprint], known.began <= build.began { continue }
      builds[build.fingerprint] = build
    }
    let rows = builds.values.sorted { left, right in
      left.began == right.began ? left.cpv < right.cpv : left.began > right.began
    }
    return rows.map { build in
      let status = statuses[build.fingerprint]
      let age = build.since.map { max(0, (now - $0).components.seconds) } ?? 0
      return StatusSnapshot.Job(
        name: build.cpv, state: status?.state.rawValue ?? "asked", age: age,
        detail: status?.message ?? status?.worker ?? "")
    }
  }
}
