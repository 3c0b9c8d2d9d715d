import Binhost
import Cryptography
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
  /// Portage's EROOT, once a plan has told it: an index must be newer than the copy that lies there.
  private var eroot: String?
  /// The statements about listed files whose signatures were found good, so that a switch of a long
  /// list does not verify them all again.
  private var verified: [Bytes32: ListingReview.Judged] = [:]

  init(
    directory: BinhostDirectory, catalog: Catalog, store: DirectoryBlobStore, trust: TrustStore
  ) {
    self.directory = directory
    self.catalog = catalog
    self.store = store
    self.trust = trust
  }

  /// How long an entry stays that no plan asked for again.
  private static let memory = Duration.seconds(30 * 86_400)

  /// Lists these builds beside what is listed already; returns how many are listed then.
  func add(_ builds: [PlannedBuild], host: HostFacts) async throws -> Int {
    let now = WallClock.now
    eroot = host.root + host.eprefix
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
          entry: PrintedEntry(entry).lines, listed: now))
      try await catalog.keep([statement])
      try await catalog.touch([root], now: now)
    }
    return try await publish(now: now)
  }

  /// Writes the directory anew without what is not trusted any more; returns how many are listed.
  @discardableResult
  func refresh() async throws -> Int {
    try await publish(now: WallClock.now)
  }

  private func publish(now: Timestamp) async throws -> Int {
    let (list, store) = (await trust.list, store)
    let review = try await catalog.reduceListings(
      into: ListingReview(verified: verified, now: now), now: now
    ) { review, row in
      let isWanted = row.lastUse.map { $0 + Self.memory > now } ?? false
      review.take(row, isWanted: isWanted, file: { store.path(of: $0) }) { judged in
        !judged.isWithdrawn && list.issuer(of: judged.issuer) != nil
          && list.revocation(of: judged.issuer, at: now) == nil
      }
    }
    verified = review.met
    try await catalog.delist(review.gone, now: now)
    let (eroot, path) = (eroot, directory.path)
    let cached = try await Blocking.run {
      eroot.map { PortageCache.timestamp(eroot: $0, binhost: path) } ?? 0
    }
    return try await directory.publish(review.listings, now: now.seconds, newerThan: cached).listed
  }

  /// Removes the files that nobody can be reading any more: delisted longer ago than `grace`.
  func prune() async throws {
    let now = WallClock.now
    _ = try await catalog.removeDelisted(before: now - Self.grace)
    let kept = Set(try await catalog.listedPaths())
    _ = try await directory.prunePool { kept.contains($0) }
  }

  /// How long a delisted file stays: an emerge that began before may still want it.
  private static let grace = Duration.seconds(48 * 3_600)
}
