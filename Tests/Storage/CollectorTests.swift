import Cryptography
import TestSupport
import Testing
import Transfer
import Wire

@testable import Storage

private let start = Timestamp(1_800_000_000)
private let day = Duration.seconds(86_400)

/// A store and its catalog with blobs of one block each, used one second after another.
private struct Larder {
  let directory: TemporaryDirectory
  let store: DirectoryBlobStore
  let catalog: Catalog
  var roots: [ContentRoot] = []

  init(blobs: Int) async throws {
    directory = try TemporaryDirectory()
    store = try DirectoryBlobStore(directory: directory.path)
    catalog = try Catalog(directory: directory.path, now: start)
    for number in 0..<blobs {
      let bytes = BlobStoreConformance.content(size: 1_000, seed: UInt64(number))
      let root = try await fetch(bytes, into: store)
      try await catalog.add(root, size: 1_000, now: start + .seconds(Int64(number)))
      roots.append(root)
    }
  }

  func collector(quota: UInt64) -> Collector {
    var settings = Collector.Settings()
    settings.quota = ByteCount(quota)
    return Collector(store: store, catalog: catalog, settings: settings)
  }

  func listing(_ number: Int, at time: Timestamp) -> StoredListing {
    StoredListing(
      path: "a/b/c-\(number).gpkg.tar", root: roots[number], fingerprint: roots[number].bytes,
      entry: [], listed: time)
  }
}

@Test func leastRecentlyUsedBlobsGoFirst() async throws {
  let larder = try await Larder(blobs: 5)
  try await larder.catalog.touch([larder.roots[0]], now: start + .seconds(100))
  let report = try await larder.collector(quota: 3_000).run(now: start + day)
  #expect(report.removed.map(\.root) == [larder.roots[1], larder.roots[2]])
  #expect(report.freed == 2_000 && report.used == 3_000 && !report.isOverQuota)
  #expect(Set(larder.store.contents.keys) == Set([0, 3, 4].map { larder.roots[$0] }))
  #expect(try await larder.catalog.blobTotals() == (3, 3_000))
}

@Test func ownBuildsGoLast() async throws {
  let larder = try await Larder(blobs: 3)
  try await larder.catalog.keep(
    OwnBuild(
      root: larder.roots[0], fingerprint: larder.roots[0].bytes, cpv: "a-b/c-1", path: "/p",
      facts: [], statement: [], published: start, expires: start + .seconds(86_400 * 60)))
  let report = try await larder.collector(quota: 1_000).run(now: start + day)
  #expect(report.removed.map(\.root) == [larder.roots[1], larder.roots[2]])
}

@Test func nothingGoesWithinTheQuota() async throws {
  let larder = try await Larder(blobs: 3)
  let report = try await larder.collector(quota: 3_000).run(now: start + day)
  #expect(report.removed.isEmpty && report.used == 3_000)
  let full = try await larder.collector(quota: 2_999).run(now: start + day)
  #expect(full.removed.map(\.root) == [larder.roots[0]])
}

@Test func pinnedProtectedAndListedBlobsStay() async throws {
  let larder = try await Larder(blobs: 5)
  try await larder.catalog.setPinned(true, larder.roots[0])
  try await larder.catalog.list(larder.listing(1, at: start), facts: [])
  let report = try await larder.collector(quota: 0).run(
    now: start + day, protecting: [larder.roots[2]])
  #expect(report.removed.map(\.root) == [larder.roots[3], larder.roots[4]])
  #expect(report.isOverQuota)
}

@Test func delistedBlobStaysForTwoDays() async throws {
  let larder = try await Larder(blobs: 1)
  try await larder.catalog.list(larder.listing(0, at: start), facts: [])
  try await larder.catalog.delist([larder.roots[0]], now: start + day)
  let collector = larder.collector(quota: 0)
  #expect(try await collector.run(now: start + day * 3 - .seconds(1)).removed.isEmpty)
  #expect(try await collector.run(now: start + day * 3).removed.count == 1)
}

@Test func blobJustUsedStays() async throws {
  let larder = try await Larder(blobs: 2)
  try await larder.catalog.touch([larder.roots[1]], now: start + day)
  let report = try await larder.collector(quota: 0).run(now: start + day + .seconds(60))
  #expect(report.removed.map(\.root) == [larder.roots[0]])
}

@Test func unfinishedBlobGoesFirstUnlessItIsInFlight() async throws {
  let larder = try await Larder(blobs: 1)
  let bytes = BlobStoreConformance.content(size: 100_000, seed: 50)
  let root = try BlobStoreConformance.tree(of: bytes).root
  let partial = try await larder.store.beginPartial(root, size: 100_000)
  try await partial.write(BlobStoreConformance.block(0, of: bytes))
  let collector = larder.collector(quota: 1_000)
  #expect(try await collector.run(now: start).removed.isEmpty)
  try await partial.suspend()
  let report = try await collector.run(now: start + day)
  #expect(report.removed.map(\.root) == [root] && report.removed.first?.isPartial == true)
  #expect(report.used == 1_000)
}

/// Random additions, uses, pins, listings and runs; what may not go never goes, and the order is
/// that of the last uses.
@Test(arguments: 0..<12 as Range<UInt64>)
func collectorMatchesAStupidModel(seed: UInt64) async throws {
  struct Known {
    var used: Timestamp
    var pinned = false
    var free: Timestamp?
    var listed = false
  }
  var random = SplitMix64(seed: seed)
  let larder = try await Larder(blobs: 0)
  var model: [ContentRoot: Known] = [:]
  var now = start
  for step in 0..<60 {
    now = now + .seconds(Int64.random(in: 60...40_000, using: &random))
    let known = model.keys.sorted()
    let one = known.randomElement(using: &random)
    switch (Int.random(in: 0..<6, using: &random), one) {
    case (0, _), (1, _), (_, nil):
      let bytes = BlobStoreConformance.content(size: 1_000, seed: seed << 32 | UInt64(step))
      let root = try await fetch(bytes, into: larder.store)
      try await larder.catalog.add(root, size: 1_000, now: now)
      model[root] = Known(used: now)
    case (2, .some(let root)):
      try await larder.catalog.touch([root], now: now)
      model[root]?.used = now
    case (3, .some(let root)):
      let pinned = Bool.random(using: &random)
      try await larder.catalog.setPinned(pinned, root)
      model[root]?.pinned = pinned
    case (4, .some(let root)):
      let listing = StoredListing(
        path: "\(root).gpkg.tar", root: root, fingerprint: root.bytes, entry: [], listed: now)
      let list = Bool.random(using: &random)
      if list {
        try await larder.catalog.list(listing, facts: [])
      } else {
        try await larder.catalog.delist([root], now: now)
      }
      if !list, model[root]?.listed == true { model[root]?.free = now + day * 2 }
      model[root]?.listed = list
    default:
      let quota = UInt64.random(in: 0...6_000, using: &random)
      let report = try await larder.collector(quota: quota).run(now: now)
      var expected: [ContentRoot] = []
      var used = UInt64(model.count) * 1_000
      let order = known.sorted { left, right in
        let (a, b) = (model[left]?.used ?? now, model[right]?.used ?? now)
        return a == b ? left < right : a < b
      }
      for root in order {
        guard used > quota, let blob = model[root] else { break }
        if blob.pinned || blob.listed || blob.used >= now - .seconds(3_600) { continue }
        if let free = blob.free, free > now { continue }
        expected.append(root)
        used -= 1_000
      }
      #expect(report.removed.map(\.root) == expected)
      for root in expected { model[root] = nil }
    }
    #expect(Set(larder.store.contents.keys) == Set(model.keys))
  }
}
