import Cryptography
import Portage
public import Wire

extension TrustList {
  /// What the statements that were found say about a planned package.
  ///
  /// Statements of the neighbours of its fingerprint may be among them: they only give the nearest
  /// miss. Signatures were checked when each `SignedStatement` was made; times are checked here again.
  /// What is in `failed` counts for nothing, not as confirmation of another build either: its file was
  /// opened and is not what was stated, with what was wrong.
  public func judge(
    _ statements: some Sequence<SignedStatement>, for facts: PackageFacts, host: HostFacts,
    now: Timestamp, failed: [SignedStatement: String] = [:]
  ) -> Verdict {
    if let expires, expires <= now {
      return .rejected([Rejection(nil, .trustListExpired(expires))], nearestMiss: nil)
    }
    let fingerprint: Fingerprint
    do {
      fingerprint = try Fingerprint(of: facts)
    } catch {
      return .rejected([Rejection(nil, .badFacts(error))], nearestMiss: nil)
    }
    let judge = StatementJudge(list: self, facts: facts, host: host, now: now)
    var rejections: [Rejection] = []
    var acceptable: [StatementJudge.Candidate] = []
    var others: [SignedStatement] = []
    let all = Array(statements)
    let live = Set(SignedStatement.live(among: all))
    for statement in Set(all).sorted(by: StatementJudge.precedes) {
      guard statement.statement.fingerprint == fingerprint else {
        others.append(statement)
        continue
      }
      let isLive = live.contains(statement)
      let failure = failed[statement].map { RejectionReason.mismatch($0) }
      if let reason = isLive ? judge.objection(to: statement) ?? failure : .superseded {
        rejections.append(Rejection(statement, reason))
      } else {
        acceptable.append(judge.candidate(statement))
      }
    }
    guard !acceptable.isEmpty else {
      let nearest = nearestMiss(of: facts, among: others, judge: judge)
      for other in others { rejections.append(Rejection(other, .otherFingerprint)) }
      if rejections.isEmpty { rejections.append(Rejection(nil, .noStatement)) }
      return .rejected(rejections, nearestMiss: nearest)
    }
    acceptable.sort { $0.isPreferred(to: $1) }
    return verdict(on: acceptable, judge: judge, rejections: rejections)
  }

  private func verdict(
    on candidates: [StatementJudge.Candidate], judge: StatementJudge, rejections: [Rejection]
  ) -> Verdict {
    let groups = Self.groups(candidates)
    let need = judge.policy.needed
    let enough = groups.filter { $0.issuers.count >= need }
    guard let chosen = enough.first else {
      let have = groups.map(\.issuers.count).max() ?? 0
      var reasons = rejections
      if groups.count > 1 {
        reasons.append(Rejection(nil, .disagreement(Self.names(groups))))
      }
      return .waiting(have: have, need: need, rejections: reasons)
    }
    // Where the policy wants builders to confirm each other, two camps that both have enough
    // confirm nothing.
    if case .agreeing = judge.policy.rule, enough.count > 1 {
      return .rejected(
        rejections + [Rejection(nil, .disagreement(Self.names(enough)))], nearestMiss: nil)
    }
    guard let best = chosen.statements.first else {
      return .rejected([Rejection(nil, .noStatement)], nearestMiss: nil)
    }
    var others = groups
    others.removeAll { $0 == chosen }
    var alternatives = Array(chosen.statements.dropFirst())
    if need == 1 {
      let rest = candidates.map(\.statement)
      alternatives = rest.filter { $0 != best }
    }
    let why = why(best, chosen, others, judge: judge)
    return .accepted(
      Acceptance(
        statement: best, alternatives: alternatives, agreeing: chosen.issuers, why: why,
        disagreeing: others, rejections: rejections))
  }

  private func why(
    _ best: SignedStatement, _ group: AgreementGroup, _ others: [AgreementGroup],
    judge: StatementJudge
  ) -> String {
    let name = judge.name(of: best.issuer)
    var text = "built by \(name) on \(best.statement.buildTime)"
    let agreeing = group.issuers.filter { $0 != name }
    if !agreeing.isEmpty { text += ", confirmed by \(agreeing.joined(separator: ", "))" }
    switch judge.nearness(of: best) {
    case .exact: text += ", same recipe"
    case .ebuild: text += ", same ebuild, other eclasses or files"
    case .revision: text += ", same revision"
    }
    let differing = Set(others.flatMap(\.issuers)).subtracting(group.issuers).sorted()
    if !differing.isEmpty {
      text += "; differs from what \(differing.joined(separator: ", ")) built"
    }
    return text
  }

  /// The candidates by agreement digest, the group of the preferred candidate first.
  private static func groups(_ candidates: [StatementJudge.Candidate]) -> [AgreementGroup] {
    var order: [Bytes32] = []
    var members: [Bytes32: [StatementJudge.Candidate]] = [:]
    for candidate in candidates {
      let digest = candidate.statement.statement.agreement
      if members[digest] == nil { order.append(digest) }
      members[digest, default: []].append(candidate)
    }
    return order.map { digest in
      let group = members[digest] ?? []
      return AgreementGroup(
        issuers: Set(group.map(\.issuer.name)).sorted(), statements: group.map(\.statement))
    }
  }

  private static func names(_ groups: [AgreementGroup]) -> [String] {
    Set(groups.flatMap(\.issuers)).sorted()
  }

  private func nearestMiss(
    of facts: PackageFacts, among others: [SignedStatement], judge: StatementJudge
  ) -> String? {
    guard !others.isEmpty, let neighbours = try? Fingerprint.neighbours(of: facts) else {
      return nil
    }
    for neighbour in neighbours {
      for other in others where other.statement.fingerprint == neighbour.fingerprint {
        if judge.objection(to: other) == nil { return "one USE flag away: \(neighbour.flag)" }
      }
    }
    return nil
  }
}
