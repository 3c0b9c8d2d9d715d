public import Cryptography
import Synchronization
public import Transfer
import Wire

/// A blob store in memory that can be told to fail.
public final class MemoryBlobStore: BlobStore {
  /// What the store does wrong.
  public struct Faults: Sendable {
    /// Writes fail as on a full disk once this many blocks were written.
    public var writesUntilFull: Int?
    /// Reads return other bytes than were written, as a liar's or a broken disk's would be.
    public var corruptsReads = false
    /// Blocks whose reads are corrupted; nil means all.
    public var corruptedBlocks: Set<Int>?
    /// Commits fail as on a full disk.
    public var failsCommits = false

    /// A store without faults.
    public init() {}
  }

  struct Complete {
    var bytes: [UInt8]
    var layers: MerkleLayers
  }

  struct Partial {
    var size: UInt64
    var layers: MerkleLayers?
    var blocks: [Int: VerifiedBlock] = [:]
    var isOpen = true
  }

  struct State {
    var complete: [ContentRoot: Complete] = [:]
    var partials: [ContentRoot: Partial] = [:]
    var faults = Faults()
    var written = 0
  }

  let state = Mutex(State())

  /// An empty store.
  public init() {}

  /// Changes what the store does wrong.
  public func setFaults(_ change: (inout Faults) -> Void) {
    state.withLock { change(&$0.faults) }
  }

  /// Adds a complete blob and returns its name; the blob must not be empty.
  @discardableResult
  public func add(_ bytes: [UInt8]) -> ContentRoot {
    var hasher = MerkleHasher()
    hasher.update(bytes)
    guard let (root, layers) = hasher.finalize() else { preconditionFailure("an empty blob") }
    state.withLock { $0.complete[root] = Complete(bytes: bytes, layers: layers) }
    return root
  }

  /// The whole blob, if it is complete.
  public func bytes(of root: ContentRoot) -> [UInt8]? {
    state.withLock { $0.complete[root]?.bytes }
  }

  /// The number of checked blocks of an unfinished blob; nil if nothing of it is here.
  public func partialBlocks(of root: ContentRoot) -> Int? {
    state.withLock { $0.partials[root]?.blocks.count }
  }

  /// Closes all handles as a killed process would, keeping what was written.
  public func crash() {
    state.withLock { state in
      for root in state.partials.keys { state.partials[root]?.isOpen = false }
    }
  }

  /// The size of a complete blob.
  public func size(of root: ContentRoot) async throws -> UInt64? {
    state.withLock { $0.complete[root]?.layers.size }
  }

  /// The block digests of a complete blob.
  public func layers(of root: ContentRoot) async throws -> MerkleLayers? {
    state.withLock { $0.complete[root]?.layers }
  }

  /// The bytes of a range of a complete blob, corrupted if the faults say so.
  public func read(_ root: ContentRoot, _ range: Range<UInt64>) async throws -> [UInt8] {
    let (blob, faults) = state.withLock { ($0.complete[root], $0.faults) }
    guard let blob else { throw BlobStoreError.notHere(root) }
    guard range.upperBound <= blob.layers.size else {
      throw BlobStoreError.outOfRange(range, size: blob.layers.size)
    }
    var bytes = Array(blob.bytes[Int(range.lowerBound)..<Int(range.upperBound)])
    let block = Int(range.lowerBound) / Limits.block
    if faults.corruptsReads, faults.corruptedBlocks?.contains(block) ?? true, !bytes.isEmpty {
      bytes[bytes.count / 2] ^= 0x40
    }
    return bytes
  }

  /// Opens an unfinished blob.
  public func beginPartial(_ root: ContentRoot, size: UInt64) async throws -> any PartialBlob {
    guard let layout = BlockLayout(size: size) else { throw BlobStoreError.badSize(size) }
    let contents = try state.withLock { state in
      guard state.complete[root] == nil else { throw BlobStoreError.alreadyHere(root) }
      var partial = state.partials[root] ?? Partial(size: size, isOpen: false)
      guard !partial.isOpen else { throw BlobStoreError.inUse(root) }
      guard partial.size == size else { throw BlobStoreError.badSize(size) }
      partial.isOpen = true
      state.partials[root] = partial
      var blocks = BlockSet(capacity: layout.blockCount)
      for block in partial.blocks.keys { blocks.insert(block) }
      return PartialContents(layers: partial.layers, blocks: blocks)
    }
    return MemoryPartialBlob(store: self, root: root, layout: layout, resumed: contents)
  }
}
