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
          path: path, root: root, fingerprint: build.fingerprint.bytes, entry: entry.stored,
          listed: now))
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
    let list = await trust.list
    var listings: [BinhostListing] = []
    var gone: [ContentRoot] = []
    for stored in try await catalog.listings() {
      let statements = try await catalog.signedStatements(
        of: Fingerprint(stored.fingerprint), now: now)
      let isTrusted = SignedStatement.live(among: statements).contains { signed in
        signed.statement.root == stored.root && !signed.statement.isWithdrawn
          && list.issuer(of: signed.issuer) != nil
          && list.revocation(of: signed.issuer, at: now) == nil
      }
      let isWanted = try await catalog.blob(stored.root).map { $0.lastUse + Self.memory > now }
      guard isTrusted, isWanted == true, let file = store.path(of: stored.root),
        let entry = PackagesEntry(stored: stored.entry)
      else {
        gone.append(stored.root)
        continue
      }
      listings.append(BinhostListing(entry: entry, file: file))
    }
    try await catalog.delist(gone, now: now)
    let (eroot, path) = (eroot, directory.path)
    let cached = try await Blocking.run {
      eroot.map { PortageCache.timestamp(eroot: $0, binhost: path) } ?? 0
    }
    return try await directory.publish(listings, now: now.seconds, newerThan: cached).listed
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

extension PackagesEntry {
  /// The entry as the catalog keeps it: `NAME: value` lines.
  fileprivate var stored: [UInt8] {
    var text = ""
    for (name, value) in fields.sorted(by: { $0.key < $1.key }) { text += "\(name): \(value)\n" }
    return Array(text.utf8)
  }

  /// The entry that was kept; nil if it is not one that Portage can read without harm.
  fileprivate init?(stored bytes: [UInt8]) {
    var fields: [String: String] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { return nil }
      fields[String(line[..<colon])] = String(line[line.index(after: colon)...].drop { $0 == " " })
    }
    self.init(unchecked: fields)
    guard problem == nil else { return nil }
  }
}
