import Builder
import Cryptography
import GRDB
import TestSupport
import Testing
import Wire

@testable import Storage

private let start = Timestamp(1_800_000_000)

private func root(_ number: UInt64) -> ContentRoot {
  ContentRoot(Bytes32(words: (number, 0, 0, 1)))
}

@Test func catalogFollowsTheBlobsOnDisk() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  try await catalog.add(root(1), size: 10, now: start)
  try await catalog.add(root(2), size: 20, now: start)
  try await catalog.setPinned(true, root(1))
  let change = try await catalog.synchronize(
    with: [root(1): 10, root(3): 30], now: start + .seconds(5))
  #expect(change == (1, 1))
  #expect(try await catalog.blob(root(1))?.isPinned == true)
  #expect(try await catalog.blob(root(1))?.lastUse == start)
  #expect(try await catalog.blob(root(2)) == nil)
  #expect(try await catalog.blob(root(3))?.lastUse == start + .seconds(5))
  #expect(try await catalog.blobTotals() == (2, 40))
}

@Test func useNeverGoesBackInTime() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  try await catalog.add(root(1), size: 10, now: start)
  try await catalog.touch([root(1), root(9)], now: start - .seconds(9))
  #expect(try await catalog.blob(root(1))?.lastUse == start)
  #expect(try await catalog.setPinned(true, root(9)) == false)
}

@Test func higherSequenceReplacesAndLowerDoesNot() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  func statement(_ sequence: UInt64, _ byte: UInt8, ends: Int64 = 100) -> StoredStatement {
    StoredStatement(
      fingerprint: root(1).bytes, issuer: root(2).bytes, root: root(3), sequence: sequence,
      expires: start + .seconds(ends), encoded: [byte])
  }
  try await catalog.keep([statement(5, 1)])
  try await catalog.keep([statement(4, 2), statement(5, 3)])
  #expect(try await catalog.statements(of: root(1).bytes, now: start) == [statement(5, 1)])
  try await catalog.keep([statement(6, 4)])
  #expect(try await catalog.statements(about: root(3), now: start) == [statement(6, 4)])
  #expect(try await catalog.statements(by: root(2).bytes, now: start) == [statement(6, 4)])
  let end = start + .seconds(100)
  #expect(try await catalog.statements(of: root(1).bytes, now: end).isEmpty)
  #expect(try await catalog.removeEndedStatements(now: end) == 1)
  #expect(try await catalog.statementCount() == 0)
}

@Test func ownBuildsThatEndTooSoonOrTooLateAreFound() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  let builds = (1...3).map { number in
    OwnBuild(
      root: root(number), fingerprint: root(9).bytes, cpv: "a-b/c-\(number)", path: "/p\(number)",
      facts: Array("{}".utf8), statement: [UInt8(number)], published: start,
      expires: start + .seconds(Int64(number)))
  }
  for build in builds.reversed() { try await catalog.keep(build) }
  for (first, last, ending) in [
    (2, 9, [UInt64(1)]), (3, 9, [1, 2]), (1, 2, [3]), (1, 3, []), (2, 2, [1, 3]),
  ] {
    let found = try await catalog.ownBuilds(
      endingBefore: start + .seconds(Int64(first)), orAfter: start + .seconds(Int64(last)))
    #expect(found.map(\.root) == ending.map(root))
  }
  let names = try await catalog.ownBuildNames()
  #expect(names.map(\.root) == [root(1), root(2), root(3)])
  #expect(names.allSatisfy { $0.fingerprint == root(9).bytes })
  #expect(try await catalog.ownBuilds(of: "a-b/c-3") == [builds[2]])
  #expect(try await catalog.forgetOwnBuild(root(3)))
  #expect(try await catalog.ownBuild(root(3)) == nil)
}

@Test func delistedPackageIsRememberedUntilItsGraceEnds() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  let listings = (1...2).map { number in
    StoredListing(
      path: "a/b/c-\(number).gpkg.tar", root: root(number), fingerprint: root(9).bytes,
      entry: [UInt8(number)], listed: start)
  }
  for listing in listings { try await catalog.list(listing, facts: []) }
  #expect(try await catalog.listings() == listings)
  try await catalog.delist([root(2)], now: start + .seconds(10))
  #expect(try await catalog.listings() == [listings[0]])
  try await catalog.delist([root(1)], now: start + .seconds(20))
  #expect(try await catalog.listings().isEmpty)
  #expect(try await catalog.removeDelisted(before: start + .seconds(20)) == 1)
  #expect(try await catalog.removeDelisted(before: start + .seconds(21)) == 1)
}

@Test func listingsComeWithTheLiveStatementsAboutTheirFingerprint() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  let listings = (1...3).map { number in
    StoredListing(
      path: "a/b/c-\(number).gpkg.tar", root: root(number), fingerprint: root(number % 2).bytes,
      entry: [UInt8(number)], listed: start)
  }
  for (number, listing) in listings.enumerated() {
    try await catalog.list(listing, facts: [UInt8(number)])
  }
  try await catalog.delist([root(3)], now: start)
  try await catalog.add(root(1), size: 1, now: start)
  func statement(_ number: UInt64, by issuer: UInt64, ends: Int64 = 100) -> StoredStatement {
    StoredStatement(
      fingerprint: root(number % 2).bytes, issuer: root(issuer).bytes, root: root(number),
      sequence: 1, expires: start + .seconds(ends), encoded: [UInt8(number), UInt8(issuer)])
  }
  try await catalog.keep([
    statement(1, by: 8), statement(1, by: 7), statement(2, by: 7, ends: 0), statement(3, by: 7),
  ])
  let rows = try await catalog.reduceListings(into: [ListedPackage](), now: start) {
    packages, package, _ in packages.append(package)
  }
  #expect(
    rows == [
      ListedPackage(listing: listings[0], lastUse: start, statements: [[1, 7], [3, 7], [1, 8]]),
      ListedPackage(listing: listings[1], lastUse: nil, statements: []),
    ])
  #expect(try await catalog.listingCount() == 2)
}

@Test func factsOfAListingAreReadOnlyWhereAskedFor() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  for number in 1...3 {
    let listing = StoredListing(
      path: "a/b/c-\(number).gpkg.tar", root: root(UInt64(number)), fingerprint: root(9).bytes,
      entry: [], listed: start)
    try await catalog.list(listing, facts: [UInt8(number)])
  }
  try await catalog.delist([root(3)], now: start)
  try await catalog.removeDelisted(before: start + .seconds(1))
  let read = try await catalog.reduceListings(into: [[UInt8]?](), now: start) {
    if $1.listing.root != root(1) { $0.append(try $2()) }
  }
  #expect(read == [[2]])
  let left = try await catalog.database.read {
    try Int.fetchOne($0, sql: "SELECT count(*) FROM listed_facts")
  }
  #expect(left == 2)
}

@Test func noticesAreShownOnce() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  let notice = Notice(
    fingerprint: root(1).bytes, cpv: "a-b/c-1", outcome: .ready, message: "ready", created: start)
  try await catalog.post(notice)
  #expect(try await catalog.takeNotices() == [notice])
  #expect(try await catalog.takeNotices().isEmpty)
  #expect(try await catalog.notices() == [notice])
}

@Test func trustListOlderThanSeenIsRefused() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  #expect(try await catalog.sawTrustList("main", version: 7))
  #expect(try await catalog.sawTrustList("main", version: 7))
  #expect(try await catalog.sawTrustList("main", version: 6) == false)
  #expect(try await catalog.sawTrustList("other", version: 1))
}

@Test func statesCountersAndFaultsOutliveTheProcess() async throws {
  let directory = try TemporaryDirectory()
  do {
    let catalog = try Catalog(directory: directory.path, now: start)
    try await catalog.setState("contacts", to: [1, 2, 3])
    try await catalog.count(["hits": 2, "misses": 1])
    try await catalog.count(["hits": 3])
    for (number, reason) in [(5, "SLOT"), (6, "soname"), (5, "SLOT")] {
      let check = FailedCheck(
        issuer: root(1).bytes, claim: root(UInt64(number)).bytes, reason: reason,
        expires: start + .seconds(9))
      try await catalog.note(check, of: "a-b/c-1", now: start)
    }
  }
  let catalog = try Catalog(directory: directory.path, now: start)
  #expect(catalog.opening == .sound)
  #expect(try await catalog.state("contacts") == [1, 2, 3])
  #expect(try await catalog.state("none") == nil)
  #expect(try await catalog.counters() == ["hits": 5, "misses": 1])
  let fault = try #require(try await catalog.issuerFaults().first)
  #expect(fault.count == 2 && fault.reason == "a-b/c-1: soname" && fault.issuer == root(1).bytes)
  #expect(try await catalog.failedChecks(now: start).map(\.reason) == ["soname", "SLOT"])
}

@Test func failedCheckCountsOnceUntilItsStatementEnds() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  func note(_ ends: Int64, at now: Int64) async throws -> Bool {
    try await catalog.note(
      FailedCheck(
        issuer: root(1).bytes, claim: root(2).bytes, reason: "SLOT",
        expires: start + .seconds(ends)), of: "a-b/c-1", now: start + .seconds(now))
  }
  #expect(try await note(10, at: 0))
  #expect(try await note(20, at: 9) == false)
  #expect(try await catalog.failedChecks(now: start + .seconds(9)).count == 1)
  #expect(try await catalog.failedChecks(now: start + .seconds(10)).isEmpty)
  #expect(try await note(20, at: 10))
  #expect(try await catalog.issuerFaults().map(\.count) == [2])
  try await catalog.removeEndedStatements(now: start + .seconds(20))
  #expect(try await catalog.failedChecks(now: start).isEmpty)
}

@Test func oldestFailedChecksGoAtTheBound() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  for number in 0...Catalog.mostFailedChecks {
    try await catalog.note(
      FailedCheck(
        issuer: root(1).bytes, claim: root(UInt64(number)).bytes, reason: "\(number)",
        expires: start + .seconds(9)), of: "a-b/c-1", now: start)
  }
  let kept = try await catalog.failedChecks(now: start).map(\.reason)
  #expect(kept.count == Catalog.mostFailedChecks)
  #expect(kept.first == "\(Catalog.mostFailedChecks)" && kept.last == "1")
}

@Test(arguments: [0, 100, 4_096])
func damagedCatalogIsMovedAsideAndNoBlobIsLost(offset: Int) async throws {
  let directory = try TemporaryDirectory()
  let store = try DirectoryBlobStore(directory: directory.path)
  let bytes = BlobStoreConformance.content(size: 100_000, seed: 1)
  let blob = try await fetch(bytes, into: store)
  do {
    let catalog = try Catalog(directory: directory.path, now: start)
    try await catalog.synchronize(with: store.contents, now: start)
    try catalog.close()
  }
  var file = try directory.read("larder.sqlite")
  for index in offset..<min(file.count, offset + 9_000) { file[index] = 0xAA }
  try directory.write(file, to: "larder.sqlite")
  let catalog = try Catalog(directory: directory.path, now: start)
  guard case .movedAside(let path, _) = catalog.opening else {
    Issue.record("the damage was not noticed")
    return
  }
  #expect(path.hasPrefix(directory.path + "/larder.sqlite.damaged-"))
  #expect(catalog.opening.message?.contains(path) == true)
  #expect(try directory.read("larder.sqlite.damaged-\(start.seconds)").count >= file.count)
  try await catalog.synchronize(with: store.contents, now: start)
  #expect(try await catalog.blob(blob)?.size == 100_000)
  #expect(try await store.read(blob, 0..<100_000) == bytes)
}

@Test func fullDiskIsSaidAndTheFormerRowsStay() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  try await catalog.setState("kept", to: [1])
  try await catalog.database.writeWithoutTransaction { database in
    let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
    try database.execute(sql: "PRAGMA max_page_count = \(pages)")
  }
  await #expect(throws: CatalogError.noSpace) {
    try await catalog.setState("large", to: [UInt8](repeating: 1, count: 100_000))
  }
  #expect(try await catalog.state("kept") == [1])
  #expect(try await catalog.state("large") == nil)
}

@Test func sqliteIndexKeepsTheSeam() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  try await BuildIndexConformance.run(SQLiteBuildIndex(catalog))
  #expect(try await SQLiteBuildIndex(catalog).counts()[.failed] == 1)
}

@Test func sqliteQueueKeepsTheSeam() async throws {
  let directory = try TemporaryDirectory()
  let catalog = try Catalog(directory: directory.path, now: start)
  try await JobQueueConformance.run(SQLiteJobQueue(catalog))
}
