public import Cryptography
public import Testing
public import Transfer
import Wire

/// What every blob store must do; each implementation's tests call `run`.
public enum BlobStoreConformance {
  /// Checks an empty store against every rule of the seam.
  ///
  /// `reopen` gives a store on the same contents, as after a kill of the process; without it the
  /// rules about restarts are left out.
  public static func run(
    _ store: any BlobStore, reopen: (() async throws -> any BlobStore)? = nil,
    at place: SourceLocation = #_sourceLocation
  ) async throws {
    try await absentBlobIsAbsent(store, place)
    for size in [1, 10_000, Limits.leaf + 1, Limits.block, Limits.block + 1, 3 * Limits.piece + 17]
    {
      try await committedBlobReadsBack(store, size: size, place)
    }
    try await committedBlobIsNotBegunAgain(store, place)
    try await badSizesAreRefused(store, place)
    try await onePartialHasOneHandle(store, place)
    try await incompleteBlobIsNotCommitted(store, place)
    try await otherRootIsRefusedAndDeleted(store, place)
    try await suspendedPartialResumes(store, reopen: reopen, place)
    try await abandonedPartialLeavesNothing(store, place)
  }

  /// Bytes that differ from seed to seed.
  public static func content(size: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size + 8)
    while bytes.count < size {
      var word = random.next()
      for _ in 0..<8 {
        bytes.append(UInt8(truncatingIfNeeded: word))
        word >>= 8
      }
    }
    bytes.removeLast(bytes.count - size)
    return bytes
  }

  /// The name of `bytes`, which must not be empty, and their block layer.
  public static func tree(of bytes: [UInt8]) throws -> (root: ContentRoot, layers: MerkleLayers) {
    var hasher = MerkleHasher()
    hasher.update(bytes)
    return try #require(hasher.finalize())
  }

  /// The checked block at `index` of a blob.
  public static func block(_ index: Int, of bytes: [UInt8]) throws -> VerifiedBlock {
    let layout = try #require(BlockLayout(size: UInt64(bytes.count)))
    let range = layout.bytes(ofBlock: index)
    let slice = Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
    return try #require(VerifiedBlock(hashing: slice, index: index, layout: layout))
  }

  private static func absentBlobIsAbsent(
    _ store: any BlobStore, _ place: SourceLocation
  ) async throws {
    let root = try tree(of: content(size: 5, seed: 1)).root
    #expect(try await store.size(of: root) == nil, sourceLocation: place)
    #expect(try await store.layers(of: root) == nil, sourceLocation: place)
    await #expect(throws: BlobStoreError.notHere(root), sourceLocation: place) {
      _ = try await store.read(root, 0..<1)
    }
  }

  private static func committedBlobReadsBack(
    _ store: any BlobStore, size: Int, _ place: SourceLocation
  ) async throws {
    let bytes = content(size: size, seed: UInt64(size))
    let (root, layers) = try tree(of: bytes)
    let partial = try await store.beginPartial(root, size: UInt64(size))
    #expect(partial.root == root && partial.size == UInt64(size), sourceLocation: place)
    #expect(partial.resumed.blocks.isEmpty, sourceLocation: place)
    for index in (0..<layers.blocks.count).reversed() {
      #expect(try await store.size(of: root) == nil, sourceLocation: place)
      let block = try block(index, of: bytes)
      try await partial.write(block)
      try await partial.write(block)
    }
    try await partial.commit()
    #expect(try await store.size(of: root) == UInt64(size), sourceLocation: place)
    #expect(try await store.layers(of: root) == layers, sourceLocation: place)
    #expect(try await store.read(root, 0..<UInt64(size)) == bytes, sourceLocation: place)
    #expect(try await store.read(root, 0..<0) == [], sourceLocation: place)
    let middle = UInt64(size / 2)
    let tail = try await store.read(root, middle..<UInt64(size))
    #expect(tail == Array(bytes[(size / 2)...]), sourceLocation: place)
    let past = 0..<UInt64(size) + 1
    let refusal = BlobStoreError.outOfRange(past, size: UInt64(size))
    await #expect(throws: refusal, sourceLocation: place) { _ = try await store.read(root, past) }
    await #expect(throws: BlobStoreError.closed, sourceLocation: place) {
      try await partial.commit()
    }
  }

  private static func committedBlobIsNotBegunAgain(
    _ store: any BlobStore, _ place: SourceLocation
  ) async throws {
    let root = try tree(of: content(size: 1, seed: 1)).root
    await #expect(throws: BlobStoreError.alreadyHere(root), sourceLocation: place) {
      _ = try await store.beginPartial(root, size: 1)
    }
  }

  private static func badSizesAreRefused(
    _ store: any BlobStore, _ place: SourceLocation
  ) async throws {
    let root = try tree(of: content(size: 70_000, seed: 2)).root
    for size in [0, Limits.blob + 1, UInt64.max] {
      await #expect(throws: BlobStoreError.badSize(size), sourceLocation: place) {
        _ = try await store.beginPartial(root, size: size)
      }
    }
    let partial = try await store.beginPartial(root, size: 70_000)
    try await partial.suspend()
    await #expect(throws: BlobStoreError.badSize(70_001), sourceLocation: place) {
      _ = try await store.beginPartial(root, size: 70_001)
    }
    try await store.beginPartial(root, size: 70_000).abandon()
  }

  private static func onePartialHasOneHandle(
    _ store: any BlobStore, _ place: SourceLocation
  ) async throws {
    let root = try tree(of: content(size: 70_000, seed: 3)).root
    let partial = try await store.beginPartial(root, size: 70_000)
    await #expect(throws: BlobStoreError.inUse(root), sourceLocation: place) {
      _ = try await store.beginPartial(root, size: 70_000)
    }
    try await partial.abandon()
  }

  private static func incompleteBlobIsNotCommitted(
    _ store: any BlobStore, _ place: SourceLocation
  ) async throws {
    let bytes = content(size: 200_000, seed: 4)
    let root = try tree(of: bytes).root
    let partial = try await store.beginPartial(root, size: 200_000)
    try await partial.write(try block(2, of: bytes))
    await #expect(throws: BlobStoreError.incomplete(missing: 3), sourceLocation: place) {
      try await partial.commit()
    }
    for index in [0, 1, 3] { try await partial.write(try block(index, of: bytes)) }
    try await partial.commit()
    #expect(try await store.size(of: root) == 200_000, sourceLocation: place)
  }

  private static func otherRootIsRefusedAndDeleted(
    _ store: any BlobStore, _ place: SourceLocation
  ) async throws {
    for size in [100, 100_000] {
      let bytes = content(size: size, seed: 5)
      let other = content(size: size, seed: 6)
      let root = try tree(of: bytes).root
      let count = try tree(of: bytes).layers.blocks.count
      let partial = try await store.beginPartial(root, size: UInt64(size))
      for index in 0..<count { try await partial.write(try block(index, of: other)) }
      await #expect(throws: BlobStoreError.rootDiffers(expected: root), sourceLocation: place) {
        try await partial.commit()
      }
      #expect(try await store.size(of: root) == nil, sourceLocation: place)
      let again = try await store.beginPartial(root, size: UInt64(size))
      #expect(again.resumed.blocks.isEmpty, sourceLocation: place)
      try await again.abandon()
    }
  }

  private static func suspendedPartialResumes(
    _ store: any BlobStore, reopen: (() async throws -> any BlobStore)?, _ place: SourceLocation
  ) async throws {
    let bytes = content(size: 3 * Limits.block + 5, seed: 7)
    let (root, layers) = try tree(of: bytes)
    var partial = try await store.beginPartial(root, size: UInt64(bytes.count))
    try await partial.keep(layers)
    try await partial.write(try block(3, of: bytes))
    try await partial.suspend()
    await #expect(throws: BlobStoreError.closed, sourceLocation: place) {
      try await partial.suspend()
    }
    partial = try await store.beginPartial(root, size: UInt64(bytes.count))
    #expect(partial.resumed.layers == layers, sourceLocation: place)
    #expect(partial.resumed.blocks.contains(3), sourceLocation: place)
    #expect(partial.resumed.blocks.count == 1, sourceLocation: place)
    try await partial.write(try block(0, of: bytes))
    try await partial.suspend()
    let latest = try await reopen?() ?? store
    partial = try await latest.beginPartial(root, size: UInt64(bytes.count))
    #expect(partial.resumed.blocks.count == 2, sourceLocation: place)
    for index in 1...2 { try await partial.write(try block(index, of: bytes)) }
    try await partial.commit()
    let whole = try await latest.read(root, 0..<UInt64(bytes.count))
    #expect(whole == bytes, sourceLocation: place)
  }

  private static func abandonedPartialLeavesNothing(
    _ store: any BlobStore, _ place: SourceLocation
  ) async throws {
    let bytes = content(size: 2 * Limits.block, seed: 8)
    let root = try tree(of: bytes).root
    let partial = try await store.beginPartial(root, size: UInt64(bytes.count))
    try await partial.write(try block(0, of: bytes))
    try await partial.abandon()
    let again = try await store.beginPartial(root, size: UInt64(bytes.count))
    #expect(again.resumed.blocks.isEmpty, sourceLocation: place)
    try await again.abandon()
  }
}
