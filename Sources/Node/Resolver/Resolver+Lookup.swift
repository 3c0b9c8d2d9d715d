import Cryptography
import Logging
import Storage
import Trust
import Wire

extension Resolver {
  /// Finds the statements about each build, here and among peers, and judges them; with `neighbours`
  /// near misses are looked for too.
  func lookUp(
    _ builds: inout [PlannedBuild], host: HostFacts, neighbours: Bool = false
  ) async throws {
    let list = await trust.list
    let now = WallClock.now
    let checks = FailedChecks(try await catalog.failedChecks(now: now))
    var known: [Fingerprint: [SignedStatement]] = [:]
    for build in builds {
      known[build.fingerprint] = try await catalog.signedStatements(
        of: build.fingerprint, now: now)
    }
    let wanted = builds.map(\.fingerprint)
    let facts = Dictionary(builds.map { ($0.fingerprint, $0.facts) }) { first, _ in first }
    let local = known
    let found = await peers.statements(about: wanted, issuers: list.keys(at: now)) {
      fingerprint, statements in
      // Enough is known once the policy accepts; what agrees may come from here and from peers.
      facts[fingerprint].map { facts in
        let all = Set(statements + (local[fingerprint] ?? []))
        let failed = checks.among(all)
        return list.judge(all, for: facts, host: host, now: now, failed: failed).isAccepted
      } ?? true
    }
    let fromIssuers = found.flatMap(\.value).filter { list.issuer(of: $0.issuer) != nil }
    await remember { try await catalog.keep(fromIssuers) }
    known.merge(found) { $0 + $1 }
    judge(&builds, known, checks, list, host, now)

    // Where nothing is acceptable, say what there is.
    let missing = builds.filter { !$0.verdict.isAccepted }
    guard !missing.isEmpty else { return }
    let question = WiderQuestion(about: missing, neighbours: neighbours)
    let answers = await peers.statements(about: question.fingerprints, issuers: [])
    known.merge(question.sorted(answers)) { $0 + $1 }
    judge(&builds, known, checks, list, host, now)
  }

  /// Writes down what only saves work later: a full disk must not keep a plan from being made.
  func remember(_ write: () async throws -> Void) async {
    do {
      try await write()
    } catch {
      logger.warning("catalog not written", metadata: ["reason": "\(error)"])
    }
  }

  private func judge(
    _ builds: inout [PlannedBuild], _ known: [Fingerprint: [SignedStatement]],
    _ checks: FailedChecks, _ list: TrustList, _ host: HostFacts, _ now: Timestamp
  ) {
    for index in builds.indices where !builds[index].isListed {
      let statements = Set(known[builds[index].fingerprint] ?? [])
      builds[index].take(statements, failed: checks.among(statements))
      builds[index].judge(by: list, host: host, now: now)
    }
  }
}
