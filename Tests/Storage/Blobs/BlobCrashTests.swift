import Cryptography
import Glibc
import Synchronization
import TestSupport
import Testing
import Transfer
import Wire

@testable import Storage

/// One blob comes in, interrupted before each of its steps in turn: the committed blob stays, the
/// new one is either whole or can be resumed, and nothing else is left.
@Test(arguments: 0..<24)
func killBeforeAnyStepOfACommitLosesNothing(step: Int) async throws {
  let directory = try TemporaryDirectory()
  let disk = ScriptedDisk()
  let store = try DirectoryBlobStore(directory: directory.path, faults: disk.faults)
  let old = BlobStoreConformance.content(size: 90_000, seed: 1)
  let oldRoot = try await fetch(old, into: store)
  let new = BlobStoreConformance.content(size: 150_000, seed: 2)
  let newRoot = try BlobStoreConformance.tree(of: new).root
  disk.plan(.dies(after: step))
  let committed = (try? await fetch(new, into: store)) != nil
  let reopened = try DirectoryBlobStore(directory: directory.path)
  #expect(try await reopened.read(oldRoot, 0..<90_000) == old)
  if committed { #expect(try await reopened.size(of: newRoot) == 150_000) }
  if try await reopened.size(of: newRoot) == nil { try await fetch(new, into: reopened) }
  #expect(try await reopened.read(newRoot, 0..<150_000) == new)
  #expect(try await reopened.layers(of: newRoot) == BlobStoreConformance.tree(of: new).layers)
  let clean = try DirectoryBlobStore(directory: directory.path)
  #expect(clean.recovery.blobs == 2 && clean.recovery.removed == 0)
}

/// Small blobs that are committed together, interrupted before each of the steps in turn: what was
/// said to be complete is, the others are whole or not there, and nothing else is left.
@Test(arguments: 0..<60)
func killBeforeAnyStepOfACommitTogetherLosesNothing(step: Int) async throws {
  let directory = try TemporaryDirectory()
  let disk = ScriptedDisk()
  let store = try DirectoryBlobStore(directory: directory.path, faults: disk.faults)
  disk.plan(.dies(after: step))
  let blobs = try (0..<10).map { seed in
    let bytes = BlobStoreConformance.content(size: 5_000 + seed, seed: UInt64(seed))
    return (root: try BlobStoreConformance.tree(of: bytes).root, bytes: bytes)
  }
  let committed = await withTaskGroup(of: ContentRoot?.self) { group in
    for (root, bytes) in blobs {
      group.addTask { (try? await fetch(bytes, into: store)) == nil ? nil : root }
    }
    return await group.reduce(into: Set<ContentRoot>()) { if let root = $1 { $0.insert(root) } }
  }
  let reopened = try DirectoryBlobStore(directory: directory.path)
  for (root, bytes) in blobs {
    let size = try await reopened.size(of: root)
    #expect(size != nil || !committed.contains(root))
    if size == nil { try await fetch(bytes, into: reopened) }
    #expect(try await reopened.read(root, 0..<UInt64(bytes.count)) == bytes)
  }
  let clean = try DirectoryBlobStore(directory: directory.path)
  #expect(clean.recovery.blobs == blobs.count && clean.recovery.removed == 0)
}

@Test func smallBlobThatFindsNoRoomFailsAlone() async throws {
  let directory = try TemporaryDirectory()
  let disk = ScriptedDisk()
  let store = try DirectoryBlobStore(directory: directory.path, faults: disk.faults)
  let bytes = BlobStoreConformance.content(size: 5_000, seed: 1)
  let root = try BlobStoreConformance.tree(of: bytes).root
  let partial = try await store.beginPartial(root, size: 5_000)
  try await partial.write(BlobStoreConformance.block(0, of: bytes))
  disk.plan(.full)
  await #expect(throws: BlobStoreError.noSpace) { try await partial.commit() }
  disk.plan(.healthy)
  try await partial.commit()
  #expect(try await store.read(root, 0..<5_000) == bytes)
  let clean = try DirectoryBlobStore(directory: directory.path)
  #expect(clean.recovery.blobs == 1 && clean.recovery.removed == 0)
}

@Test(arguments: FileSystemFaults.Step.allCases)
func failingStepIsReportedAndTheRetrySucceeds(step: FileSystemFaults.Step) async throws {
  let directory = try TemporaryDirectory()
  let disk = ScriptedDisk()
  let store = try DirectoryBlobStore(directory: directory.path, faults: disk.faults)
  let bytes = BlobStoreConformance.content(size: 150_000, seed: 3)
  let (root, layers) = try BlobStoreConformance.tree(of: bytes)
  let partial = try await store.beginPartial(root, size: 150_000)
  for index in 0..<layers.blocks.count {
    try await partial.write(BlobStoreConformance.block(index, of: bytes))
  }
  disk.plan(.fails(step))
  do {
    try await partial.commit()
  } catch let error as BlobStoreError {
    guard case .device(let words) = error else { throw error }
    #expect(words.contains("Input/output error"))
  }
  disk.plan(.healthy)
  if try await store.size(of: root) == nil { try await partial.commit() }
  #expect(try await store.read(root, 0..<150_000) == bytes)
}

@Test func fullDiskInTheMiddleOfACommitKeepsEverything() async throws {
  let directory = try TemporaryDirectory()
  let disk = ScriptedDisk()
  let store = try DirectoryBlobStore(directory: directory.path, faults: disk.faults)
  let old = try await fetch([9], into: store)
  let bytes = BlobStoreConformance.content(size: 150_000, seed: 4)
  let (root, layers) = try BlobStoreConformance.tree(of: bytes)
  let partial = try await store.beginPartial(root, size: 150_000)
  for index in 0..<layers.blocks.count {
    try await partial.write(BlobStoreConformance.block(index, of: bytes))
  }
  disk.plan(.full)
  await #expect(throws: BlobStoreError.noSpace) { try await partial.commit() }
  #expect(store.contents == [old: 1])
  disk.plan(.healthy)
  try await partial.commit()
  #expect(store.contents == [old: 1, root: 150_000])
}

@Test func fullDiskDuringAWriteKeepsTheFormerBlocks() async throws {
  let directory = try TemporaryDirectory()
  let disk = ScriptedDisk()
  let store = try DirectoryBlobStore(directory: directory.path, faults: disk.faults)
  let bytes = BlobStoreConformance.content(size: 150_000, seed: 5)
  let root = try BlobStoreConformance.tree(of: bytes).root
  let partial = try await store.beginPartial(root, size: 150_000)
  try await partial.write(BlobStoreConformance.block(0, of: bytes))
  disk.plan(.full)
  let second = try BlobStoreConformance.block(1, of: bytes)
  await #expect(throws: BlobStoreError.noSpace) { try await partial.write(second) }
  try await partial.suspend()
  disk.plan(.healthy)
  let again = try await DirectoryBlobStore(directory: directory.path)
    .beginPartial(root, size: 150_000)
  #expect(again.resumed.blocks.contains(0) && again.resumed.blocks.count == 1)
}

/// Random fetches, imports, removals and kills against a dictionary.
@Test(arguments: 0..<40 as Range<UInt64>)
func storeMatchesADictionary(seed: UInt64) async throws {
  let directory = try TemporaryDirectory()
  var random = SplitMix64(seed: seed)
  let disk = ScriptedDisk()
  var store = try DirectoryBlobStore(directory: directory.path, faults: disk.faults)
  var model: [ContentRoot: [UInt8]] = [:]
  for _ in 0..<30 {
    let size = Int.random(in: 1...170_000, using: &random)
    let bytes = BlobStoreConformance.content(size: size, seed: random.next() % 4)
    let root = try BlobStoreConformance.tree(of: bytes).root
    let dies = Int.random(in: 0..<3, using: &random) == 0
    disk.plan(dies ? .dies(after: Int.random(in: 0..<14, using: &random)) : .healthy)
    do {
      switch Int.random(in: 0..<3, using: &random) {
      case 0:
        if model[root] == nil { try await fetch(bytes, into: store) }
        model[root] = bytes
      case 1:
        try directory.write(bytes, to: "source")
        _ = try await store.importFile(directory.path + "/source")
        model[root] = bytes
      default:
        guard let victim = model.keys.sorted().randomElement(using: &random) else { continue }
        // Cut off, it may be gone or not; it is gone for the model, and asked for again below.
        defer { model[victim] = nil }
        try await store.remove(victim)
      }
    } catch {
      // A write that the kill tore says `noSpace`; the process that hears it is dead.
      #expect(dies, "\(error)")
    }
    guard dies else { continue }
    disk.plan(.healthy)
    store = try DirectoryBlobStore(directory: directory.path, faults: disk.faults)
    for (root, size) in store.contents where model[root] == nil {
      let read = try await store.read(root, 0..<size)
      #expect(try BlobStoreConformance.tree(of: read).root == root)
      model[root] = read
    }
  }
  #expect(Set(store.contents.keys) == Set(model.keys))
  for (root, bytes) in model {
    #expect(try await store.read(root, 0..<UInt64(bytes.count)) == bytes)
  }
}

/// The system tells of a failed flush once: what a flush ahead heard fails the blob at its end.
@Test func failedFlushAheadFailsTheBlob() async throws {
  let directory = try TemporaryDirectory()
  let syncs = Mutex(0)
  let faults = FileSystemFaults { step, path, count in
    guard step == .sync else { return count }
    let isFirst = syncs.withLock { syncs in
      syncs += 1
      return syncs == 1
    }
    if isFirst { throw FileError(operation: "sync", path: path, code: EIO) }
    return count
  }
  let store = try DirectoryBlobStore(directory: directory.path, faults: faults)
  let bytes = BlobStoreConformance.content(size: 33 << 20, seed: 9)
  let root = try BlobStoreConformance.tree(of: bytes).root
  await #expect(throws: BlobStoreError.self) { try await fetch(bytes, into: store) }
  #expect(try await store.size(of: root) == nil)
  #expect(syncs.withLock { $0 } == 1)
  // The pages count as written from then on, though the disk may not have them: nothing is resumed.
  let again = try await store.beginPartial(root, size: UInt64(bytes.count))
  #expect(again.resumed.blocks.isEmpty)
  try await again.abandon()
}

/// A directory whose name is not on the disk yet holds no blob.
@Test func directoryThatCouldNotBeFlushedIsMadeAgain() async throws {
  let directory = try TemporaryDirectory()
  let flushes = Mutex(0)
  let faults = FileSystemFaults { step, path, count in
    guard step == .syncDirectory, path.hasSuffix("/blobs") else { return count }
    let isFirst = flushes.withLock { flushes in
      flushes += 1
      return flushes == 1
    }
    if isFirst { throw FileError(operation: "sync", path: path, code: EIO) }
    return count
  }
  let store = try DirectoryBlobStore(directory: directory.path, faults: faults)
  let bytes = BlobStoreConformance.content(size: 500, seed: 1)
  await #expect(throws: BlobStoreError.self) { try await fetch(bytes, into: store) }
  try await fetch(bytes, into: store)
  #expect(flushes.withLock { $0 } == 2)
}
