import Cryptography
import Synchronization
import Transfer
import Wire

/// An unfinished blob of a `DirectoryBlobStore`.
final class DirectoryPartialBlob: PartialBlob {
  let root: ContentRoot
  let layout: BlockLayout
  let resumed: PartialContents

  private struct State {
    var digests: [Int: Bytes32]
    var isClosed = false
    /// Bytes written since the last flush ahead.
    var unflushed = 0
    var isFlushing = false
    /// What a flush ahead ran into: the system tells of it once, and no later flush can.
    var flushFailure: (any Error)?
  }

  /// So many bytes are flushed while the next ones come in, so that the end of a large blob needs not wait
  /// for all of them.
  private static let flushSpan = 32 << 20

  private let store: DirectoryBlobStore
  private let blob: OpenFile
  private let map: PartialMap
  private let state: Mutex<State>

  var size: UInt64 { layout.size }

  private init(
    store: DirectoryBlobStore, root: ContentRoot, blob: OpenFile, map: PartialMap,
    layers: MerkleLayers?, digests: [Int: Bytes32]
  ) {
    self.store = store
    self.root = root
    self.blob = blob
    self.map = map
    layout = map.layout
    var blocks = BlockSet(capacity: map.layout.blockCount)
    for block in digests.keys { blocks.insert(block) }
    resumed = PartialContents(layers: layers, blocks: blocks)
    state = Mutex(State(digests: digests))
  }

  deinit {
    if !state.withLock({ $0.isClosed }) {
      let root = root
      store.state.withLock { _ = $0.open.remove(root) }
    }
  }

  /// Opens what a former run left, or begins anew. Blocks while the blocks here are hashed again.
  static func open(
    in store: DirectoryBlobStore, root: ContentRoot, layout: BlockLayout
  ) throws -> DirectoryPartialBlob {
    let files = store.files
    let path = store.paths.partial(root)
    if files.size(of: path) != nil, let map = try PartialMap.open(store.paths.map(root), on: files)
    {
      guard map.layout == layout else { throw BlobStoreError.badSize(layout.size) }
      let blob = try files.create(path, truncated: false)
      return DirectoryPartialBlob(
        store: store, root: root, blob: blob, map: map, layers: try map.layers(root: root),
        digests: try map.soundBlocks(in: blob))
    }
    try files.makeDirectory(store.paths.partials)
    let map = try PartialMap.create(store.paths.map(root), layout: layout, on: files)
    let blob = try files.create(path)
    return DirectoryPartialBlob(
      store: store, root: root, blob: blob, map: map, layers: nil, digests: [:])
  }

  func keep(_ layers: MerkleLayers) async throws {
    guard layers.size == size else { throw BlobStoreError.badSize(layers.size) }
    try await perform { try self.map.keep(layers, on: self.store.files) }
  }

  func write(_ blocks: [VerifiedBlock]) async throws {
    for block in blocks {
      guard block.index < layout.blockCount,
        block.bytes.count == layout.length(ofBlock: block.index)
      else { throw BlobStoreError.badBlock(block.index) }
    }
    try await perform {
      try self.throwFlushFailure()
      let files = self.store.files
      var noted: (first: Int, digests: [Bytes32]) = (0, [])
      for block in blocks {
        guard self.state.withLock({ $0.digests[block.index] }) == nil else { continue }
        let start = self.layout.bytes(ofBlock: block.index).lowerBound
        try files.write(block.bytes, at: start, to: self.blob)
        if block.index != noted.first + noted.digests.count {
          try self.note(noted)
          noted = (block.index, [])
        }
        noted.digests.append(block.digest)
      }
      try self.note(noted)
      self.flushAhead(of: blocks.reduce(0) { $0 + $1.bytes.count })
    }
  }

  /// Begins a flush once enough was written since the last one, and does not wait for it.
  private func flushAhead(of count: Int) {
    let isDue = state.withLock { state in
      state.unflushed += count
      guard state.unflushed >= Self.flushSpan, !state.isFlushing else { return false }
      state.unflushed = 0
      state.isFlushing = true
      return true
    }
    guard isDue else { return }
    store.flushes.start(lane: root.hashValue) {
      let result = Result { try self.store.files.sync(self.blob) }
      self.state.withLock { state in
        state.isFlushing = false
        if case .failure(let error) = result { state.flushFailure = error }
      }
      // What was written since the last flush may be lost though it can be read: nobody may resume it.
      if case .failure = result { try? self.store.files.unlink(self.store.paths.map(self.root)) }
    }
  }

  private func throwFlushFailure() throws {
    if let failure = state.withLock({ $0.flushFailure }) { throw failure }
  }

  /// Notes consecutive blocks whose bytes are in the file.
  private func note(_ run: (first: Int, digests: [Bytes32])) throws {
    guard !run.digests.isEmpty else { return }
    try map.note(run.digests, from: run.first, on: store.files)
    state.withLock { state in
      for (offset, digest) in run.digests.enumerated() {
        state.digests[run.first + offset] = digest
      }
    }
  }

  /// Makes the blob complete: flush, sidecar, rename, flush of the directory.
  ///
  /// A full disk or a failing device leaves the handle open and everything written in place.
  func commit() async throws {
    // The lane is free once the flush ahead has ended.
    try await store.flushes.run(lane: root.hashValue) {}
    try await perform {
      try self.throwFlushFailure()
      let digests = self.state.withLock { state in
        (0..<self.layout.blockCount).compactMap { state.digests[$0] }
      }
      guard digests.count == self.layout.blockCount else {
        throw BlobStoreError.incomplete(missing: self.layout.blockCount - digests.count)
      }
      guard self.layout.root(ofBlocks: digests) == self.root else {
        try self.delete()
        throw BlobStoreError.rootDiffers(expected: self.root)
      }
      try self.store.files.sync(self.blob)
      // Once renamed the blob is complete, even if the directory could not be flushed.
      defer { if self.store.path(of: self.root) != nil { self.close() } }
      try self.store.place(
        self.store.paths.partial(self.root), root: self.root, size: self.size,
        layers: MerkleLayers(blocks: digests, size: self.size))
      try? self.store.files.unlink(self.store.paths.map(self.root))
    }
  }

  func suspend() async throws {
    // The lane is free once the flush ahead has ended.
    try await store.flushes.run(lane: root.hashValue) {}
    try await perform {
      guard self.state.withLock({ $0.flushFailure }) != nil else { return self.close() }
      try self.delete()
    }
  }

  func abandon() async throws {
    try await perform { try self.delete() }
  }

  private func perform(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await store.perform(root) {
      guard !self.state.withLock({ $0.isClosed }) else { throw BlobStoreError.closed }
      try body()
    }
  }

  /// Removes the files, then the handle: nobody begins the blob anew in between.
  private func delete() throws {
    defer { close() }
    try store.files.unlink(store.paths.map(root))
    try store.files.unlink(store.paths.partial(root))
  }

  private func close() {
    state.withLock { $0.isClosed = true }
    store.state.withLock { _ = $0.open.remove(root) }
  }
}
