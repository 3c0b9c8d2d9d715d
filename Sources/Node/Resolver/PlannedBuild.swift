import Cryptography
import Trust
import Wire

/// One package of a plan on its way through the resolver.
struct PlannedBuild: Sendable {
  /// What Portage would build.
  let facts: PackageFacts
  /// The DHT key of its builds.
  let fingerprint: Fingerprint
  /// Which build is accepted, or why none.
  var verdict: Verdict
  /// The statements that were found about it and its neighbours.
  var statements: Set<SignedStatement> = []
  /// Those whose files were opened and are not what was stated, with what was wrong.
  var failed: [SignedStatement: String] = [:]
  /// Whether the accepted build passed the checks and stands in Portage's directory.
  var isListed = false
  /// The files that were opened for this plan and may not be offered: wrong, unreadable or lacking a
  /// library.
  private(set) var unsound: Set<ContentRoot> = []
  /// Whether the cloud tier was asked for it.
  var isBuilding = false
  /// Where a binary lies that Portage takes and Larder did not bring: a binhost's name or PKGDIR.
  var otherBinary: String?
  /// What went wrong last, for the user.
  var trouble: String?
  /// The statements that are good but can't be used now, with the reasons.
  private var unusable: [(statement: SignedStatement, reason: RejectionReason)] = []

  init(_ facts: PackageFacts) throws(FactsError) {
    self.facts = facts
    fingerprint = try Fingerprint(of: facts)
    verdict = .rejected([Rejection(nil, .noStatement)], nearestMiss: nil)
  }

  /// Judges what was found: what failed its check counts for nothing, what was set aside is not taken.
  mutating func judge(by list: TrustList, host: HostFacts, now: Timestamp) {
    verdict = list.judge(statements, for: facts, host: host, now: now, failed: failed)
    for (statement, reason) in unusable { verdict = verdict.without(statement, because: reason) }
  }

  /// Goes on to the next acceptable statement; the present one still confirms others.
  mutating func setAside(because reason: RejectionReason) {
    guard let statement = verdict.statement else { return }
    unusable.append((statement, reason))
    verdict = verdict.without(statement, because: reason)
  }

  /// Notes whether the file of the present statement may be offered.
  mutating func note(isSound: Bool) {
    guard let root = verdict.statement?.statement.root else { return }
    if isSound { unsound.remove(root) } else { unsound.insert(root) }
    isListed = isSound
  }

  /// Starts over with what was found: what could not be used a moment ago may be usable now.
  mutating func take(_ found: Set<SignedStatement>, failed: [SignedStatement: String]) {
    statements = found
    self.failed = failed
    unusable = []
  }

  /// Whether the only thing wrong is that nobody who has a good build answers.
  var lacksProvider: Bool {
    !isListed && !verdict.isAccepted && verdict.rejections.contains { $0.reason == .noProvider }
  }

  /// The row of the plan's table.
  func row(issuerName: (SignedStatement) -> String) -> PlanReport.Row {
    if let otherBinary {
      return PlanReport.Row(
        package: facts.cpv, repository: facts.repository, fingerprint: "\(fingerprint)",
        verdict: .binary, source: otherBinary, why: "Portage has a binary package of its own",
        size: 0)
    }
    let reasons = [verdict.message, trouble].compactMap { $0 }
    return PlanReport.Row(
      package: facts.cpv, repository: facts.repository, fingerprint: "\(fingerprint)",
      verdict: outcome,
      source: verdict.statement.map(issuerName) ?? (isBuilding ? "cloud" : "source"),
      why: reasons.joined(separator: "; "), size: verdict.statement?.statement.size ?? 0)
  }

  private var outcome: PlanReport.Verdict {
    if isListed { return .listed }
    switch verdict {
    case .accepted: return .accepted
    case .waiting: return .waiting
    case .rejected(let rejections, _):
      if isBuilding { return .building }
      return rejections.allSatisfy(\.isAbsence) ? .missing : .rejected
    }
  }
}

extension [PlannedBuild] {
  /// The files that were opened for this plan and that Portage may not have, whoever listed them before.
  var unsound: Set<ContentRoot> {
    let listed = filter(\.isListed).compactMap { $0.verdict.statement?.statement.root }
    let unsound = reduce(into: Set<ContentRoot>()) { $0.formUnion($1.unsound) }
    return unsound.subtracting(listed)
  }
}

extension Rejection {
  /// Whether it only says that nobody has this very build.
  fileprivate var isAbsence: Bool {
    switch reason {
    case .noStatement, .otherFingerprint: true
    case .untrustedIssuer, .outOfScope, .beforeTrust, .afterTrust, .notNamed, .expired, .badTimes,
      .revoked, .withdrawn, .superseded, .cpuFeature, .cpuTarget, .recipe, .flags,
      .contentFeatures, .compiler, .libc, .symbolVersion, .tooFewBuilders, .disagreement,
      .noProvider, .mismatch, .unusable, .trustListExpired, .badFacts:
      false
    }
  }
}
