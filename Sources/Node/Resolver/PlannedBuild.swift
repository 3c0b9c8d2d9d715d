import Cryptography
import Trust

/// One package of a plan on its way through the resolver.
struct PlannedBuild: Sendable {
  /// What Portage would build.
  let facts: PackageFacts
  /// The DHT key of its builds.
  let fingerprint: Fingerprint
  /// Which build is accepted, or why none.
  var verdict: Verdict
  /// Whether the accepted build passed the checks and stands in Portage's directory.
  var isListed = false
  /// Whether the cloud tier was asked for it.
  var isBuilding = false
  /// What went wrong last, for the user.
  var trouble: String?

  init(_ facts: PackageFacts) throws(FactsError) {
    self.facts = facts
    fingerprint = try Fingerprint(of: facts)
    verdict = .rejected([Rejection(nil, .noStatement)], nearestMiss: nil)
  }

  /// The row of the plan's table.
  func row(issuerName: (SignedStatement) -> String) -> PlanReport.Row {
    PlanReport.Row(
      package: facts.cpv, repository: facts.repository, fingerprint: "\(fingerprint)",
      verdict: outcome,
      source: verdict.statement.map(issuerName) ?? (isBuilding ? "cloud" : "source"),
      why: [verdict.message, trouble].compactMap { $0 }.joined(separator: "; "),
      size: verdict.statement?.statement.size ?? 0)
  }

  private var outcome: PlanReport.Verdict {
    if isListed { return .listed }
    if isBuilding { return .building }
    switch verdict {
    case .accepted: return .accepted
    case .waiting: return .waiting
    case .rejected(let rejections, _):
      return rejections.allSatisfy { $0.statement == nil || $0.reason == .otherFingerprint }
        && rejections.contains { $0.reason == .noStatement || $0.reason == .otherFingerprint }
        ? .missing : .rejected
    }
  }
}
