public import Cryptography
import Synchronization
public import Transfer
import Wire

/// A blob store in a directory: `blobs/xx/<root>`, unfinished ones in `partial/<root>`.
///
/// A blob becomes complete by one rename after its bytes were flushed; complete files are never
/// written again, so other directories may hold hard links to them. Every operation blocks a thread of
/// a small pool and no other. The bytes of a blob are checked when they come in, not on each read: the
/// reader of a transfer checks them against the tree anyway.
public final class DirectoryBlobStore: BlobStore {
  /// What the start-up found and repaired.
  public struct Recovery: Sendable, Equatable {
    /// Complete blobs.
    public var blobs = 0
    /// The bytes of the complete blobs.
    public var bytes: UInt64 = 0
    /// Unfinished blobs that a fetch can resume.
    public var partials = 0
    /// Torn or orphaned files that were removed.
    public var removed = 0
    /// Sidecars that were made anew from their blob.
    public var rebuilt = 0
  }

  struct State {
    var blobs: [ContentRoot: UInt64] = [:]
    var open: Set<ContentRoot> = []
    var files = LeastRecent<ContentRoot, OpenFile>(capacity: 64)
    var layers = LeastRecent<ContentRoot, MerkleLayers>(capacity: 16)
  }

  /// What the start-up found and repaired.
  public let recovery: Recovery

  let paths: BlobPaths
  let files: FileSystem
  let io: BlockingIO
  /// Where the bytes of large blobs are flushed while others are read and written.
  let flushes: BlockingIO
  let state: Mutex<State>
  let smallCommits: SmallBlobCommits

  /// Opens or makes the store in `directory` and repairs what a crash left there.
  ///
  /// Blocks for a scan of the directory. Throws `FileError`.
  public convenience init(directory: String) throws {
    try self.init(directory: directory, faults: .none)
  }

  init(directory: String, faults: FileSystemFaults) throws {
    paths = BlobPaths(directory: directory)
    files = FileSystem(faults: faults)
    io = BlockingIO(label: "blobs")
    flushes = BlockingIO(label: "flushes")
    smallCommits = SmallBlobCommits(paths: paths, files: files, io: io)
    var found = State()
    recovery = try BlobRecovery(paths: paths, files: files).run(into: &found)
    state = Mutex(found)
  }

  /// The size in bytes of a complete blob; nil if it is not here whole.
  public func size(of root: ContentRoot) async throws -> UInt64? {
    state.withLock { $0.blobs[root] }
  }

  /// The block digests of a complete blob, checked against its root.
  ///
  /// A sidecar that fails the check is made anew from the blob; a blob that fails it as well is
  /// removed: its disk lied, and it is fetched again.
  public func layers(of root: ContentRoot) async throws -> MerkleLayers? {
    guard let size = state.withLock({ $0.blobs[root] }) else { return nil }
    if let known = state.withLock({ $0.layers[root] }) { return known }
    let layers = try await perform(root) { try self.loadLayers(root, size: size) }
    if let layers { state.withLock { $0.layers[root] = layers } }
    return layers
  }

  /// The bytes of a range of a complete blob.
  public func read(_ root: ContentRoot, _ range: Range<UInt64>) async throws -> [UInt8] {
    guard let size = state.withLock({ $0.blobs[root] }) else {
      throw BlobStoreError.notHere(root)
    }
    guard range.upperBound <= size else { throw BlobStoreError.outOfRange(range, size: size) }
    if range.isEmpty { return [] }
    return try await perform(root) {
      let bytes = try self.openBlob(root).read(count: range.count, at: range.lowerBound)
      guard bytes.count == range.count else {
        throw BlobStoreError.device("\(self.paths.blob(root)) is shorter than it was")
      }
      return bytes
    }
  }

  /// Opens the unfinished blob of that name and checks again what a former run left of it.
  public func beginPartial(_ root: ContentRoot, size: UInt64) async throws -> any PartialBlob {
    guard let layout = BlockLayout(size: size) else { throw BlobStoreError.badSize(size) }
    try state.withLock { state in
      guard state.blobs[root] == nil else { throw BlobStoreError.alreadyHere(root) }
      guard state.open.insert(root).inserted else { throw BlobStoreError.inUse(root) }
    }
    if layout.isSingleBlock { return SingleBlockPartial(store: self, root: root, layout: layout) }
    do {
      return try await perform(root) {
        try DirectoryPartialBlob.open(in: self, root: root, layout: layout)
      }
    } catch {
      state.withLock { _ = $0.open.remove(root) }
      throw error
    }
  }

  /// Runs blocking work on the blob's lane and says its errors in the seam's words.
  func perform<Value: Sendable>(
    _ root: ContentRoot, _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    do {
      return try await io.run(lane: root.hashValue, body)
    } catch let error as FileError {
      throw error.isDiskFull ? BlobStoreError.noSpace : BlobStoreError.device(error.description)
    }
  }

  /// The open file of a complete blob; one whose file vanished is forgotten.
  func openBlob(_ root: ContentRoot) throws -> OpenFile {
    if let known = state.withLock({ $0.files[root] }) { return known }
    do {
      let opened = try files.open(paths.blob(root))
      state.withLock { $0.files[root] = opened }
      return opened
    } catch let error as FileError where error.isMissing {
      forget(root)
      throw BlobStoreError.notHere(root)
    }
  }

  /// Drops everything known about a complete blob.
  func forget(_ root: ContentRoot) {
    state.withLock { state in
      state.blobs[root] = nil
      state.files[root] = nil
      state.layers[root] = nil
    }
  }

  private func loadLayers(_ root: ContentRoot, size: UInt64) throws -> MerkleLayers? {
    if LayersFile.isNeeded(size: size),
      let layers = try LayersFile.read(paths.layers(root), root: root, size: size, on: files)
    {
      return layers
    }
    var hasher = MerkleHasher()
    try openBlob(root).readAll { hasher.update(buffer: $0) }
    guard let made = hasher.finalize(), made.root == root, made.layers.size == size else {
      try files.unlink(paths.blob(root))
      try files.unlink(paths.layers(root))
      forget(root)
      return nil
    }
    if LayersFile.isNeeded(size: size) {
      try LayersFile.write(made.layers, to: paths.layers(root), on: files)
    }
    return made.layers
  }
}
