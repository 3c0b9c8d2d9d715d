import Trust
import Wire

/// What Portage says once the fetched builds are listed, laid over what is known of each package.
///
/// The plan from source names build tools that a binary install skips, and Portage may take a binary
/// that Larder did not bring: only this plan says what would be compiled after all.
struct SecondPlan: Sendable {
  /// The packages to merge, in Portage's order.
  let builds: [PlannedBuild]

  /// Lays `packages`, Portage's plan with binaries, over the builds of the plan from source.
  init(_ packages: [PackageFacts], over builds: [PlannedBuild]) {
    var ordered: [PlannedBuild] = []
    for facts in packages {
      let known = builds.first { $0.facts.cpv == facts.cpv && $0.facts.slot == facts.slot }
      guard var build = known ?? (try? PlannedBuild(facts)) else { continue }
      switch facts.kind {
      case .binary: build.take(facts.binary)
      case .ebuild: build.compile()
      }
      ordered.append(build)
    }
    self.builds = ordered
  }

  /// What Portage would still compile.
  var remaining: [PlannedBuild] {
    builds.filter { !$0.isListed && $0.otherBinary == nil }
  }
}

extension PlannedBuild {
  /// Portage takes a binary: the one that is listed, unless that has another build time.
  fileprivate mutating func take(_ binary: PackageFacts.Binary?) {
    let ours = verdict.statement?.statement.buildTime.seconds
    if isListed, binary?.buildTime == nil || binary?.buildTime == ours { return }
    isListed = false
    let place = binary?.repo ?? ""
    otherBinary = place.isEmpty ? "PKGDIR" : place
  }

  /// Portage compiles it although it may be listed.
  fileprivate mutating func compile() {
    guard isListed else { return }
    isListed = false
    trouble = "listed, but Portage prefers the source"
  }
}
