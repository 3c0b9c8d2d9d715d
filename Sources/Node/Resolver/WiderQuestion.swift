import Cryptography
import Trust

/// What peers are asked about packages without an acceptable build, so that the user learns why:
/// builds of strangers, and for the first few packages builds that are one USE flag away.
struct WiderQuestion: Sendable {
  /// The packages whose neighbours are asked for: each costs as many look-ups as it has flags.
  static let packagesWithNeighbours = 32
  /// The neighbours that are asked for a package.
  static let neighboursPerPackage = 8

  /// The DHT keys to ask for, each once.
  private(set) var fingerprints: [Fingerprint] = []
  /// Whom an answer about a key is for.
  private var owners: [Fingerprint: Set<Fingerprint>] = [:]

  /// The question about these packages; without `neighbours` about their own fingerprints only.
  init(about builds: [PlannedBuild], neighbours: Bool) {
    for (place, build) in builds.enumerated() {
      ask(build.fingerprint, for: build)
      guard neighbours, place < Self.packagesWithNeighbours,
        let near = try? Fingerprint.neighbours(of: build.facts)
      else { continue }
      for neighbour in near.prefix(Self.neighboursPerPackage) {
        ask(neighbour.fingerprint, for: build)
      }
    }
  }

  /// The answers by the package that they are for.
  func sorted(
    _ answers: [Fingerprint: [SignedStatement]]
  ) -> [Fingerprint: [SignedStatement]] {
    var sorted: [Fingerprint: [SignedStatement]] = [:]
    for (fingerprint, statements) in answers {
      for owner in owners[fingerprint] ?? [] { sorted[owner, default: []] += statements }
    }
    return sorted
  }

  private mutating func ask(_ fingerprint: Fingerprint, for build: PlannedBuild) {
    if owners[fingerprint] == nil { fingerprints.append(fingerprint) }
    owners[fingerprint, default: []].insert(build.fingerprint)
  }
}
