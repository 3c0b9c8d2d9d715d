import Cryptography
import Synchronization
import Transfer

/// An unfinished blob of a `MemoryBlobStore`.
struct MemoryPartialBlob: PartialBlob {
  let store: MemoryBlobStore
  let root: ContentRoot
  let layout: BlockLayout
  let resumed: PartialContents

  var size: UInt64 { layout.size }

  func keep(_ layers: MerkleLayers) async throws {
    try change { state, partial in partial.layers = layers }
  }

  func write(_ blocks: [VerifiedBlock]) async throws {
    for block in blocks {
      guard block.index < layout.blockCount,
        block.bytes.count == layout.length(ofBlock: block.index)
      else { throw BlobStoreError.badBlock(block.index) }
    }
    for block in blocks {
      try change { state, partial in
        if let bound = state.faults.writesUntilFull, state.written >= bound {
          throw BlobStoreError.noSpace
        }
        state.written += 1
        if partial.blocks[block.index] == nil { partial.blocks[block.index] = block }
      }
    }
  }

  func commit() async throws {
    let partial = try store.state.withLock { state in
      guard let partial = state.partials[root], partial.isOpen else {
        throw BlobStoreError.closed
      }
      if state.faults.failsCommits { throw BlobStoreError.noSpace }
      return partial
    }
    let missing = layout.blockCount - partial.blocks.count
    guard missing == 0 else { throw BlobStoreError.incomplete(missing: missing) }
    let blocks = (0..<layout.blockCount).compactMap { partial.blocks[$0] }
    guard layout.root(ofBlocks: blocks.map(\.digest)) == root else {
      store.state.withLock { $0.partials[root] = nil }
      throw BlobStoreError.rootDiffers(expected: root)
    }
    store.add(blocks.flatMap(\.bytes))
    store.state.withLock { $0.partials[root] = nil }
  }

  func suspend() async throws {
    try change { state, partial in partial.isOpen = false }
  }

  func abandon() async throws {
    try change { state, partial in partial.isOpen = false }
    store.state.withLock { $0.partials[root] = nil }
  }

  private func change(
    _ body: (inout MemoryBlobStore.State, inout MemoryBlobStore.Partial) throws -> Void
  ) throws {
    try store.state.withLock { state in
      guard var partial = state.partials[root], partial.isOpen else {
        throw BlobStoreError.closed
      }
      try body(&state, &partial)
      state.partials[root] = partial
    }
  }
}
