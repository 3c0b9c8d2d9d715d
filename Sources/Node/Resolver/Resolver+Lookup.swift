import Cryptography
import Storage
import Trust
import Wire

extension Resolver {
  /// Finds the statements about each build, here and among peers, and judges them.
  func lookUp(_ builds: inout [PlannedBuild], host: HostFacts) async throws {
    let list = await trust.list
    let now = WallClock.now
    var known: [Fingerprint: [SignedStatement]] = [:]
    for build in builds {
      known[build.fingerprint] = try await catalog.signedStatements(
        of: build.fingerprint, now: now)
    }
    let wanted = builds.map(\.fingerprint)
    let found = await peers.statements(about: wanted, issuers: list.keys(at: now))
    try await catalog.keep(found.flatMap(\.value).filter { list.issuer(of: $0.issuer) != nil })
    known.merge(found) { $0 + $1 }
    judge(&builds, known, list, host, now)

    // Where nothing is acceptable, say what there is: strangers' builds and near misses.
    let missing = builds.filter { !$0.verdict.isAccepted }
    guard !missing.isEmpty else { return }
    var asked: [Fingerprint] = []
    var owner: [Fingerprint: [Fingerprint]] = [:]
    for build in missing {
      let near = (try? Fingerprint.neighbours(of: build.facts)) ?? []
      for fingerprint in [build.fingerprint] + near.prefix(8).map(\.fingerprint) {
        asked.append(fingerprint)
        owner[fingerprint, default: []].append(build.fingerprint)
      }
    }
    for (fingerprint, statements) in await peers.statements(about: asked, issuers: []) {
      for build in owner[fingerprint] ?? [] { known[build, default: []] += statements }
    }
    judge(&builds, known, list, host, now)
  }

  private func judge(
    _ builds: inout [PlannedBuild], _ known: [Fingerprint: [SignedStatement]], _ list: TrustList,
    _ host: HostFacts, _ now: Timestamp
  ) {
    for index in builds.indices {
      let statements = Set(known[builds[index].fingerprint] ?? [])
      builds[index].verdict = list.judge(
        statements, for: builds[index].facts, host: host, now: now)
    }
  }
}
