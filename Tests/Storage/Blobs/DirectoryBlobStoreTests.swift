import Cryptography
import Glibc
import TestSupport
import Testing
import Transfer
import Wire

@testable import Storage

@Test func directoryStoreKeepsTheSeam() async throws {
  let directory = try TemporaryDirectory()
  let store = try DirectoryBlobStore(directory: directory.path)
  try await BlobStoreConformance.run(store) { try DirectoryBlobStore(directory: directory.path) }
}

@Test func blobOutlivesTheStore() async throws {
  let directory = try TemporaryDirectory()
  let bytes = BlobStoreConformance.content(size: 200_000, seed: 1)
  let root = try await fetch(bytes, into: DirectoryBlobStore(directory: directory.path))
  let reopened = try DirectoryBlobStore(directory: directory.path)
  #expect(reopened.recovery.blobs == 1 && reopened.recovery.bytes == 200_000)
  #expect(reopened.recovery.removed == 0 && reopened.recovery.rebuilt == 0)
  #expect(try await reopened.read(root, 0..<200_000) == bytes)
  #expect(reopened.contents == [root: 200_000])
}

@Test func completeBlobIsReadableByEveryone() async throws {
  let directory = try TemporaryDirectory()
  let previous = umask(0o077)
  defer { umask(previous) }
  let store = try DirectoryBlobStore(directory: directory.path)
  let root = try await fetch([1, 2, 3], into: store)
  var status = stat()
  #expect(stat(try #require(store.path(of: root)), &status) == 0)
  #expect(status.st_mode & 0o777 == 0o644)
}

@Test func tornSidecarIsMadeAnew() async throws {
  let directory = try TemporaryDirectory()
  let bytes = BlobStoreConformance.content(size: 200_000, seed: 2)
  let root = try await fetch(bytes, into: DirectoryBlobStore(directory: directory.path))
  let name = "blobs/\(root.description.prefix(2))/\(root).layers"
  let whole = try directory.read(name)
  try directory.write(Array(whole.dropLast(5)), to: name)
  let reopened = try DirectoryBlobStore(directory: directory.path)
  #expect(reopened.recovery.rebuilt == 1)
  #expect(try directory.read(name) == whole)
}

@Test func alteredSidecarIsNotBelieved() async throws {
  let directory = try TemporaryDirectory()
  let bytes = BlobStoreConformance.content(size: 200_000, seed: 3)
  let root = try await fetch(bytes, into: DirectoryBlobStore(directory: directory.path))
  let name = "blobs/\(root.description.prefix(2))/\(root).layers"
  let whole = try directory.read(name)
  var altered = whole
  altered[40] ^= 1
  try directory.write(altered, to: name)
  let reopened = try DirectoryBlobStore(directory: directory.path)
  #expect(try await reopened.layers(of: root) == BlobStoreConformance.tree(of: bytes).layers)
  #expect(try directory.read(name) == whole)
}

@Test func blobThatRottedWithItsSidecarIsRemoved() async throws {
  let directory = try TemporaryDirectory()
  let bytes = BlobStoreConformance.content(size: 200_000, seed: 4)
  let root = try await fetch(bytes, into: DirectoryBlobStore(directory: directory.path))
  let name = "blobs/\(root.description.prefix(2))/\(root)"
  try directory.write([UInt8](repeating: 7, count: 200_000), to: name)
  try directory.write([], to: name + ".layers")
  let reopened = try DirectoryBlobStore(directory: directory.path)
  #expect(reopened.recovery.blobs == 0 && reopened.recovery.bytes == 0)
  #expect(try await reopened.size(of: root) == nil)
  #expect(!directory.exists(name))
}

@Test func leftoversOfACrashAreRemoved() async throws {
  let directory = try TemporaryDirectory()
  let root = String(repeating: "ab", count: 32)
  for name in [
    "partial/\(root)", "partial/xyz.import", "blobs/ab/\(root).layers.new",
    "blobs/ab/\(root).layers", "partial/\(String(repeating: "cd", count: 32)).map",
  ] {
    try directory.write([1], to: name)
  }
  let store = try DirectoryBlobStore(directory: directory.path)
  #expect(store.recovery.removed == 5)
  #expect(store.contents.isEmpty)
}

@Test func droppedHandleCountsAsSuspended() async throws {
  let directory = try TemporaryDirectory()
  let store = try DirectoryBlobStore(directory: directory.path)
  let bytes = BlobStoreConformance.content(size: 100_000, seed: 5)
  let root = try BlobStoreConformance.tree(of: bytes).root
  // A function of its own, since a handle may live to the end of the scope that it stands in.
  func writeAndDrop() async throws {
    let partial = try await store.beginPartial(root, size: 100_000)
    try await partial.write(BlobStoreConformance.block(1, of: bytes))
    #expect(store.inFlight == [root])
  }
  try await writeAndDrop()
  #expect(store.inFlight.isEmpty)
  let again = try await store.beginPartial(root, size: 100_000)
  #expect(again.resumed.blocks.contains(1))
}

@Test func blockThatRottedOnDiskIsNotResumed() async throws {
  let directory = try TemporaryDirectory()
  let bytes = BlobStoreConformance.content(size: 200_000, seed: 6)
  let root = try BlobStoreConformance.tree(of: bytes).root
  let store = try DirectoryBlobStore(directory: directory.path)
  let partial = try await store.beginPartial(root, size: 200_000)
  for index in [0, 1] { try await partial.write(BlobStoreConformance.block(index, of: bytes)) }
  try await partial.suspend()
  var written = try directory.read("partial/\(root)")
  written[70_000] ^= 1
  try directory.write(written, to: "partial/\(root)")
  let again = try await DirectoryBlobStore(directory: directory.path)
    .beginPartial(root, size: 200_000)
  #expect(again.resumed.blocks.contains(0))
  #expect(!again.resumed.blocks.contains(1))
}

@Test func removedBlobIsGoneFromDiskAndIndex() async throws {
  let directory = try TemporaryDirectory()
  let store = try DirectoryBlobStore(directory: directory.path)
  let bytes = BlobStoreConformance.content(size: 200_000, seed: 7)
  let root = try await fetch(bytes, into: store)
  #expect(try await store.remove(root) == 200_000)
  #expect(try await store.remove(root) == 0)
  #expect(try await store.size(of: root) == nil)
  await #expect(throws: BlobStoreError.notHere(root)) { _ = try await store.read(root, 0..<1) }
  #expect(!directory.exists("blobs/\(root.description.prefix(2))/\(root).layers"))
  #expect(try await fetch(bytes, into: store) == root)
}

@Test func idlePartialIsListedAndRemovedButNotAnOpenOne() async throws {
  let directory = try TemporaryDirectory()
  let store = try DirectoryBlobStore(directory: directory.path)
  let bytes = BlobStoreConformance.content(size: 200_000, seed: 8)
  let root = try BlobStoreConformance.tree(of: bytes).root
  let partial = try await store.beginPartial(root, size: 200_000)
  try await partial.write(BlobStoreConformance.block(0, of: bytes))
  #expect(try await store.idlePartials().isEmpty)
  #expect(try await store.removePartial(root) == 0)
  try await partial.suspend()
  #expect(try await store.idlePartials()[root] ?? 0 >= UInt64(Limits.block))
  #expect(try await store.removePartial(root) > 0)
  #expect(try await store.idlePartials().isEmpty)
}

/// Writes all blocks of a blob and commits it.
@discardableResult
func fetch(_ bytes: [UInt8], into store: DirectoryBlobStore) async throws -> ContentRoot {
  let (root, layers) = try BlobStoreConformance.tree(of: bytes)
  let partial = try await store.beginPartial(root, size: UInt64(bytes.count))
  for index in 0..<layers.blocks.count {
    try await partial.write(BlobStoreConformance.block(index, of: bytes))
  }
  try await partial.commit()
  return root
}
