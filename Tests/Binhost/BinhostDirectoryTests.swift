import Foundation
import Glibc
import Portage
import Synchronization
import TestSupport
import Testing

@testable import Binhost

private let now: Int64 = 1_800_000_000

@Test func listedPackageIsReadableThroughCurrent() async throws {
  let fixture = try BinhostFixture()
  let binhost = try BinhostDirectory(path: fixture.path)
  #expect(binhost.current == nil)
  let listings = try [fixture.listing("app-misc/a-1.0-r1"), fixture.listing("dev-libs/b-2")]
  let publication = try await binhost.publish(listings, header: ["TTL": "9"], now: now)
  #expect(publication.listed == 2 && publication.refused.isEmpty && publication.isNew)
  #expect(publication.generation == binhost.current)
  try fixture.checkIsWhole()
  let index = try fixture.index()
  #expect(index.timestamp == now && index.header["VERSION"] == "0")
  #expect(index.header["PACKAGES"] == "2" && index.header["TTL"] == nil)
  #expect(index.entries.map { $0.cpv?.description } == ["app-misc/a-1.0-r1", "dev-libs/b-2"])
}

@Test func severalBuildsOfOneVersionStandSideBySide() async throws {
  let fixture = try BinhostFixture()
  let binhost = try BinhostDirectory(path: fixture.path)
  let listings = try [
    fixture.listing("app-misc/a-1", "one", fields: ["BUILD_TIME": "1"]),
    fixture.listing("app-misc/a-1", "other", fields: ["BUILD_TIME": "2"]),
  ]
  #expect(try await binhost.publish(listings, now: now).listed == 2)
  try fixture.checkIsWhole()
}

@Test func everyChangeHasALaterTime() async throws {
  let fixture = try BinhostFixture()
  let a = try fixture.listing("app-misc/a-1")
  var last: Int64 = 0
  for (step, time) in [now, now, now - 500, now + 3].enumerated() {
    let binhost = try BinhostDirectory(path: fixture.path)
    let extra = try fixture.listing("app-misc/b-\(step)")
    let made = try await binhost.publish([a, extra], now: time).generation.timestamp
    #expect(made > last)
    #expect(try fixture.index().timestamp == made)
    last = made
  }
  #expect(last == now + 3)
}

@Test func lostDirectoryStartsAfterWhatWasGivenOut() async throws {
  let fixture = try BinhostFixture()
  let binhost = try BinhostDirectory(path: fixture.path, notBefore: now + 50)
  let listings = try [fixture.listing("app-misc/a-1")]
  #expect(try await binhost.publish(listings, now: now).generation.timestamp == now + 51)
}

@Test func indexIsNewerThanPortagesCopy() async throws {
  let fixture = try BinhostFixture()
  let binhost = try BinhostDirectory(path: fixture.path)
  let listings = try [fixture.listing("app-misc/a-1")]
  _ = try await binhost.publish(listings, now: now)
  let same = try await binhost.publish(listings, now: now + 9)
  #expect(!same.isNew && same.generation.timestamp == now)
  let newer = try await binhost.publish(listings, now: now + 9, newerThan: now + 700)
  #expect(newer.isNew && newer.generation.timestamp == now + 701)
}

@Test func equalIndexKeepsItsTime() async throws {
  let fixture = try BinhostFixture()
  let binhost = try BinhostDirectory(path: fixture.path)
  let listings = try [fixture.listing("app-misc/a-1"), fixture.listing("app-misc/b-1")]
  _ = try await binhost.publish(listings, now: now)
  let again = try await binhost.publish(listings, now: now + 60)
  #expect(!again.isNew && again.generation.timestamp == now)
  #expect(try fixture.index().timestamp == now)
  let fewer = try await binhost.publish([listings[0]], now: now + 61)
  #expect(fewer.isNew && fewer.generation.timestamp > now + 60)
}

@Test func unsoundListingIsLeftOutAndNamed() async throws {
  let fixture = try BinhostFixture()
  let binhost = try BinhostDirectory(path: fixture.path)
  let good = try fixture.listing("app-misc/a-1")
  let shorter = try fixture.listing("app-misc/b-1", "12345", fields: ["SIZE": "4"])
  let absent = try fixture.listing(
    "app-misc/c-1", root: String(repeating: "ef", count: 32), size: 5)
  let noDigest = try fixture.listing("app-misc/d-1", fields: ["MD5": ""])
  let invalid = BinhostListing(
    entry: PrintedEntry(
      PackagesEntry(unchecked: ["CPV": "app-misc/e", "PATH": "x/y/z.gpkg.tar"])),
    file: good.file)
  let climbing = BinhostListing(
    entry: PrintedEntry(
      PackagesEntry(unchecked: [
        "CPV": "app-misc/f-1", "PATH": "../../../x.gpkg.tar", "SIZE": "7",
      ])),
    file: good.file)
  let publication = try await binhost.publish(
    [shorter, absent, good, good, noDigest, invalid, climbing], now: now)
  #expect(publication.listed == 1)
  let refused = publication.refused.map(\.description)
  #expect(refused.count == 6)
  #expect(refused.contains("app-misc/b-1: the file has 5 bytes instead of 4"))
  #expect(refused.contains("app-misc/c-1: the file is not here"))
  #expect(refused.contains("app-misc/a-1: another package has the same PATH"))
  #expect(refused.contains("app-misc/d-1: its entry has neither MD5 nor SHA1"))
  #expect(try fixture.index().entries.count == 1)
  try fixture.checkIsWhole()
}

/// The present, by which files in the pool are dated.
private var present: Int64 { Int64(Date().timeIntervalSince1970) }

private let grace = BinhostDirectory.grace.components.seconds

@Test func delistedFileStaysUntilItIsPruned() async throws {
  let began = present
  let fixture = try BinhostFixture()
  let binhost = try BinhostDirectory(path: fixture.path)
  let (a, b) = (try fixture.listing("app-misc/a-1"), try fixture.listing("dev-libs/b-1"))
  _ = try await binhost.publish([a, b], now: now)
  _ = try await binhost.publish([a], now: now + 1)
  _ = try await binhost.publish([a], now: now + 2, newerThan: now + 2)
  let path = try #require(b.entry["PATH"])
  // An emerge that read the first index fetches through the third.
  #expect(fixture.directory.exists("binhost/current/\(path)"))
  let kept = try #require(a.entry["PATH"])
  #expect(try await binhost.prunePool(now: began + grace - 1) { $0 == kept } == [])
  #expect(try await binhost.prunePool(now: present + grace + 60) { $0 == kept } == [path])
  #expect(!fixture.directory.exists("binhost/current/\(path)"))
  try fixture.checkIsWhole()
}

@Test func whatTheIndexNamesIsNeverPruned() async throws {
  let fixture = try BinhostFixture()
  let binhost = try BinhostDirectory(path: fixture.path)
  _ = try await binhost.publish([fixture.listing("app-misc/a-1")], now: now)
  #expect(try await binhost.prunePool(now: present + 100 * grace) { _ in false } == [])
  try fixture.checkIsWhole()
}

@Test func fileIsDatedWhenItLeavesTheIndexNotWhenItCame() async throws {
  let fixture = try BinhostFixture()
  let binhost = try BinhostDirectory(path: fixture.path)
  let a = try fixture.listing("app-misc/a-1")
  _ = try await binhost.publish([a], now: now)
  let file = "\(fixture.path)/pool/\(try #require(a.entry["PATH"]))"
  let came = try changeTime(file)
  // The file system's clock may stand still for a few milliseconds.
  var other = came
  for number in 0..<100_000 where other <= came {
    try fixture.directory.write([1], to: "clock-\(number % 2)")
    other = try changeTime("\(fixture.directory.path)/clock-\(number % 2)")
  }
  _ = try await binhost.publish([BinhostListing](), now: now + 1)
  #expect(try changeTime(file) > came)
}

/// When a file changed last, in nanoseconds.
private func changeTime(_ path: String) throws -> Int64 {
  var status = stat()
  try #require(stat(path, &status) == 0)
  return Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
}

@Test func onlyTheLastTwoGenerationsStay() async throws {
  let fixture = try BinhostFixture()
  let binhost = try BinhostDirectory(path: fixture.path)
  for step in 0..<4 {
    let listings = try [fixture.listing("app-misc/a-\(step)")]
    _ = try await binhost.publish(listings, now: now + Int64(step))
  }
  let names = IndexFiles().names(in: fixture.path)
  #expect(names == ["\(now + 2)", "\(now + 3)", "current", "pool"])
}

@Test func modesLetPortagesUserRead() async throws {
  let fixture = try BinhostFixture()
  let previous = umask(0o077)
  defer { umask(previous) }
  let binhost = try BinhostDirectory(path: fixture.path)
  _ = try await binhost.publish([fixture.listing("app-misc/a-1")], now: now)
  let files = IndexFiles()
  for name in ["", "/current/", "/pool", "/current/app-misc/a"] {
    #expect(files.status(fixture.path + name)?.mode == 0o755)
  }
  for name in ["Packages", "Packages.gz"] {
    #expect(files.status("\(fixture.path)/current/\(name)")?.mode == 0o644)
  }
}

@Test func blobFetchedAgainReplacesTheFormerLink() async throws {
  let fixture = try BinhostFixture()
  let binhost = try BinhostDirectory(path: fixture.path)
  let listing = try fixture.listing("app-misc/a-1", "same bytes")
  _ = try await binhost.publish([listing], now: now)
  try FileManager.default.removeItem(atPath: listing.file)
  _ = try fixture.listing("app-misc/a-1", "same bytes")
  _ = try await binhost.publish([listing], now: now + 1)
  let linked = "\(fixture.path)/pool/\(try #require(listing.entry["PATH"]))"
  let status = try #require(IndexFiles().status(linked))
  #expect(status.isSameFile(as: try #require(IndexFiles().status(listing.file))))
}

@Test(arguments: 0..<45)
func killAtAnyStepLeavesAWholeIndex(step: Int) async throws {
  struct Killed: Error {}
  let fixture = try BinhostFixture()
  let left = Mutex<Int?>(nil)
  let files = IndexFiles { _, _ in
    try left.withLock { left in
      guard let count = left else { return }
      guard count > 0 else { throw Killed() }
      left = count - 1
    }
  }
  let binhost = try BinhostDirectory(path: fixture.path, notBefore: 0, files: files)
  let old = try [fixture.listing("app-misc/a-1"), fixture.listing("dev-libs/b-1")]
  let first = try await binhost.publish(old, now: now)
  left.withLock { $0 = step }
  let new = try [fixture.listing("app-misc/a-2"), fixture.listing("sys-apps/c-1")]
  let second = try? await binhost.publish(new, now: now + 5)
  left.withLock { $0 = nil }

  try fixture.checkIsWhole()
  let reopened = try BinhostDirectory(path: fixture.path)
  let shown = try fixture.index().timestamp
  #expect(reopened.current?.timestamp == shown)
  if let second {
    #expect(shown == second.generation.timestamp)
  } else {
    #expect(shown == first.generation.timestamp || shown == now + 5)
  }
  let third = try await reopened.publish(new + old, now: now)
  #expect(third.generation.timestamp > now && third.listed == 4)
  try fixture.checkIsWhole()
  let names = IndexFiles().names(in: fixture.path).filter { $0.hasSuffix(".new") }
  #expect(names.isEmpty)
}

@Test func fullDiskLeavesTheFormerIndex() async throws {
  let fixture = try BinhostFixture()
  let full = Mutex(false)
  let files = IndexFiles { step, path in
    if step == .write, full.withLock({ $0 }) {
      throw BinhostFileError(operation: "write", path: path, code: ENOSPC)
    }
  }
  let binhost = try BinhostDirectory(path: fixture.path, notBefore: 0, files: files)
  _ = try await binhost.publish([fixture.listing("app-misc/a-1")], now: now)
  full.withLock { $0 = true }
  let more = try [fixture.listing("app-misc/b-1")]
  let error = await #expect(throws: BinhostFileError.self) {
    _ = try await binhost.publish(more, now: now + 1)
  }
  #expect(error?.isDiskFull == true && error?.description.contains("No space left") == true)
  #expect(try fixture.index().entries.first?["CPV"] == "app-misc/a-1")
  full.withLock { $0 = false }
  #expect(try await binhost.publish(more, now: now + 2).listed == 1)
}

@Test func pathsClimbNowhere() throws {
  let root = String(repeating: "0123456789abcdef", count: 4)
  let cpv = try CPV("dev-libs/c++_x-1.0_rc1-r2")
  #expect(
    BinhostDirectory.path(of: cpv, root: root)
      == "dev-libs/c++_x/c++_x-1.0_rc1-r2-19088743.gpkg.tar")
  #expect(BinhostDirectory.path(of: cpv, root: "../x") == nil)
}
