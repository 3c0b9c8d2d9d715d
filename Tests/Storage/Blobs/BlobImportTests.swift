import Cryptography
import Glibc
import TestSupport
import Testing
import Transfer
import Wire

@testable import Storage

@Test(arguments: [DirectoryBlobStore.ImportMethod.copy, .link])
func importedFileIsNamedByItsRoot(method: DirectoryBlobStore.ImportMethod) async throws {
  let directory = try TemporaryDirectory()
  let store = try DirectoryBlobStore(directory: directory.path + "/store")
  let bytes = BlobStoreConformance.content(size: 3_000_000, seed: 1)
  try directory.write(bytes, to: "package.gpkg.tar")
  let imported = try await store.importFile(directory.path + "/package.gpkg.tar", by: method)
  let (root, layers) = try BlobStoreConformance.tree(of: bytes)
  var digests = FileDigests()
  digests.update(bytes)
  #expect(imported.root == root && imported.size == 3_000_000)
  #expect(imported.md5 == digests.finalize().md5 && imported.sha1 == digests.finalize().sha1)
  #expect(try await store.read(root, 0..<3_000_000) == bytes)
  #expect(try await store.layers(of: root) == layers)
  #expect(try await store.importFile(directory.path + "/package.gpkg.tar") == imported)
  #expect(try await store.idlePartials().isEmpty)
  var status = stat()
  #expect(stat(try #require(store.path(of: root)), &status) == 0)
  #expect(status.st_nlink == (method == .link ? 2 : 1))
}

@Test(arguments: [DirectoryBlobStore.ImportMethod.copy, .link])
func importThatIsRefusedLeavesNothing(method: DirectoryBlobStore.ImportMethod) async throws {
  struct Refused: Error, Equatable { let size: UInt64 }
  let directory = try TemporaryDirectory()
  let store = try DirectoryBlobStore(directory: directory.path + "/store")
  try directory.write([1, 2, 3], to: "package.gpkg.tar")
  let path = directory.path + "/package.gpkg.tar"
  await #expect(throws: Refused(size: 3)) {
    try await store.importFile(path, by: method) { _, blob in throw Refused(size: blob.size) }
  }
  #expect(store.contents.isEmpty)
  #expect(try FileSystem().names(in: directory.path + "/store/partial").isEmpty)
  // The check reads the bytes that the store will hold.
  let (blob, bytes) = try await store.importFile(path, by: method) { file, _ in
    let opened = try FileSystem().open(file)
    var bytes: [UInt8] = []
    try opened.readAll { bytes += $0 }
    return bytes
  }
  #expect(bytes == [1, 2, 3])
  #expect(store.contents == [blob.root: 3])
}

@Test func emptyFileIsNoBlob() async throws {
  let directory = try TemporaryDirectory()
  let store = try DirectoryBlobStore(directory: directory.path + "/store")
  try directory.write([], to: "empty")
  await #expect(throws: BlobStoreError.badSize(0)) {
    _ = try await store.importFile(directory.path + "/empty")
  }
  #expect(try FileSystem().names(in: directory.path + "/store/partial").isEmpty)
}

@Test func absentFileIsNamedInTheError() async throws {
  let directory = try TemporaryDirectory()
  let store = try DirectoryBlobStore(directory: directory.path + "/store")
  let path = directory.path + "/nothing"
  await #expect(throws: BlobStoreError.device("cannot open \(path): No such file or directory")) {
    _ = try await store.importFile(path)
  }
}

@Test func importOnAFullDiskLeavesNothing() async throws {
  let directory = try TemporaryDirectory()
  let disk = ScriptedDisk()
  let store = try DirectoryBlobStore(directory: directory.path + "/store", faults: disk.faults)
  let kept = try await fetch([1, 2, 3], into: store)
  try directory.write(BlobStoreConformance.content(size: 300_000, seed: 2), to: "big")
  disk.plan(.full)
  await #expect(throws: BlobStoreError.noSpace) {
    _ = try await store.importFile(directory.path + "/big")
  }
  disk.plan(.healthy)
  #expect(store.contents == [kept: 3])
  #expect(try FileSystem().names(in: directory.path + "/store/partial").isEmpty)
  #expect(try await store.importFile(directory.path + "/big").size == 300_000)
}
