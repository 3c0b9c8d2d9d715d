import Binhost
import Cryptography
import FoundationEssentials
import Portage
import Storage
import Trust
import Wire

/// What Portage may take: the entries of everything that passed the checks and is still trusted.
actor Listing {
  private let directory: BinhostDirectory
  private let catalog: Catalog
  private let store: DirectoryBlobStore
  private let trust: TrustStore
  /// The host that the packages are listed for, once a plan has told it.
  private var host: HostFacts?
  /// What was accepted on `basis`, so that a switch of a long list does not judge it all again.
  private var accepted: Set<Bytes32> = []
  private var basis: ListingReview.Basis?
  /// When `accepted` holds: verdicts change with time too.
  private var validity = Timestamp(0)..<Timestamp(0)
  /// One index is written after the other, so that the one in place follows from the newest list.
  private let turn = Turn()

  init(
    directory: BinhostDirectory, catalog: Catalog, store: DirectoryBlobStore, trust: TrustStore
  ) {
    self.directory = directory
    self.catalog = catalog
    self.store = store
    self.trust = trust
  }

  /// Lists these builds beside what is listed already, but for the files that were found unsound;
  /// returns how many are listed then.
  func take(
    _ builds: [PlannedBuild], refusing unsound: Set<ContentRoot> = [], host: HostFacts
  ) async throws -> Int {
    let now = WallClock.now
    try await keep(host)
    for build in builds {
      guard let statement = build.verdict.statement else { continue }
      let root = statement.statement.root
      guard let cpv = try? CPV(build.facts.cpv),
        let path = BinhostDirectory.path(of: cpv, root: "\(root)")
      else { continue }
      let entry = try IndexEntryMaker.entry(
        for: build.facts, statement: statement.statement, path: path)
      try await catalog.list(
        StoredListing(
          path: path, root: root, fingerprint: build.fingerprint.bytes,
          entry: PrintedEntry(entry).lines, listed: now),
        facts: Array(JSONEncoder().encode(build.facts)))
      try await catalog.keep([statement])
      try await catalog.touch([root], now: now)
    }
    try await catalog.delist(Array(unsound), now: now)
    return try await turn.take { [self] in try await publish(now: now) }
  }

  /// Writes the directory anew without what is not trusted any more; returns how many are listed.
  @discardableResult
  func refresh() async throws -> Int {
    try await turn.take { [self] in try await publish(now: WallClock.now) }
  }

  private func publish(now: Timestamp) async throws -> Int {
    let host = try await knownHost()
    // Without a trust list nothing can be judged: it is hidden, and listed again once there is one.
    guard await trust.isInForce else { return try await write([], host: host, now: now) }
    let store = store
    let basis = ListingReview.Basis(
      list: await trust.list, host: host ?? HostFacts(),
      failed: FailedChecks(try await catalog.failedChecks(now: now)))
    if basis != self.basis || !validity.contains(now) {
      accepted = []
      let end = basis.list.nextChange(after: now) ?? now + Self.longestValidity
      (self.basis, validity) = (basis, now..<end)
    }
    let review = try await catalog.reduceListings(
      into: ListingReview(on: basis, known: accepted, now: now), now: now
    ) { review, package, facts in
      try review.take(package, file: { store.path(of: $0) }, facts: facts)
    }
    accepted = review.accepted
    try await catalog.delist(review.gone, now: now)
    return try await write(review.listings, host: host, now: now)
  }

  private func write(
    _ listings: [BinhostListing], host: HostFacts?, now: Timestamp
  ) async throws -> Int {
    let path = directory.path
    let cached = try await Blocking.run {
      host.map { PortageCache.timestamp(eroot: $0.root + $0.eprefix, binhost: path) } ?? 0
    }
    return try await directory.publish(listings, now: now.seconds, newerThan: cached).listed
  }

  /// How long verdicts are kept that nothing ends.
  private static let longestValidity = Duration.seconds(86_400)

  private func keep(_ host: HostFacts) async throws {
    guard try await knownHost() != host else { return }
    try await catalog.setState(Self.hostKey, to: Array(JSONEncoder().encode(host)))
    self.host = host
  }

  /// The host of the last plan, that of a former run of the daemon included.
  private func knownHost() async throws -> HostFacts? {
    if host == nil, let bytes = try await catalog.state(Self.hostKey) {
      host = try? JSONDecoder().decode(HostFacts.self, from: Data(bytes))
    }
    return host
  }

  private static let hostKey = "listing-host"

  /// Removes the files that nobody can be reading any more: delisted longer ago than `grace`.
  func prune(now: Timestamp = WallClock.now) async throws {
    _ = try await catalog.removeDelisted(before: now - BinhostDirectory.grace)
    let kept = Set(try await catalog.listedPaths())
    _ = try await directory.prunePool(now: now.seconds) { kept.contains($0) }
  }
}
