import Cryptography
import Synchronization
import Transfer
import Wire

/// An unfinished blob of one block: in memory until it is committed.
///
/// There is nothing to resume, so it leaves no trace on the disk before its commit. Fetches bring
/// hundreds of such blobs in a row, whose commits share their flushes.
final class SingleBlockPartial: PartialBlob {
  let root: ContentRoot
  let resumed = PartialContents(blocks: BlockSet(capacity: 1))

  private struct State {
    var block: VerifiedBlock?
    var isClosed = false
  }

  private let store: DirectoryBlobStore
  private let layout: BlockLayout
  private let state = Mutex(State())

  var size: UInt64 { layout.size }

  /// Begins in memory; the store has marked the blob as open.
  init(store: DirectoryBlobStore, root: ContentRoot, layout: BlockLayout) {
    precondition(layout.isSingleBlock, "\(layout.blockCount) blocks")
    self.store = store
    self.root = root
    self.layout = layout
  }

  deinit {
    if !state.withLock({ $0.isClosed }) {
      let root = root
      store.state.withLock { _ = $0.open.remove(root) }
    }
  }

  func keep(_ layers: MerkleLayers) async throws {
    guard layers.size == size else { throw BlobStoreError.badSize(layers.size) }
    try checkOpen()
  }

  func write(_ blocks: [VerifiedBlock]) async throws {
    for block in blocks where block.index != 0 || block.bytes.count != layout.length(ofBlock: 0) {
      throw BlobStoreError.badBlock(block.index)
    }
    try checkOpen()
    if let block = blocks.first { state.withLock { $0.block = $0.block ?? block } }
  }

  func commit() async throws {
    try checkOpen()
    guard let block = state.withLock({ $0.block }) else {
      throw BlobStoreError.incomplete(missing: 1)
    }
    guard layout.root(ofBlocks: [block.digest]) == root else {
      close()
      throw BlobStoreError.rootDiffers(expected: root)
    }
    do {
      try await store.commitSmall(root, block.bytes)
    } catch {
      // Once renamed the blob is complete, even if the directory could not be flushed.
      if store.path(of: root) != nil { close() }
      throw error
    }
    close()
  }

  func suspend() async throws {
    try checkOpen()
    close()
  }

  func abandon() async throws {
    try checkOpen()
    close()
  }

  private func checkOpen() throws {
    guard !state.withLock({ $0.isClosed }) else { throw BlobStoreError.closed }
  }

  private func close() {
    state.withLock { state in
      state.isClosed = true
      state.block = nil
    }
    store.state.withLock { _ = $0.open.remove(root) }
  }
}
