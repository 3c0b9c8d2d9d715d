public import Cryptography
import Synchronization
import Transfer

extension DirectoryBlobStore {
  /// The path of a complete blob, to be read or hard-linked, never written; nil if it is not here.
  public func path(of root: ContentRoot) -> String? {
    state.withLock { $0.blobs[root] } == nil ? nil : paths.blob(root)
  }

  /// Every complete blob with its size in bytes.
  public var contents: [ContentRoot: UInt64] {
    state.withLock { $0.blobs }
  }

  /// The blobs on their way in, whose files nobody may remove.
  public var inFlight: Set<ContentRoot> {
    state.withLock { $0.open }
  }

  /// Removes a complete blob; whoever is reading it may finish the call under way.
  ///
  /// Returns the bytes freed, 0 if it was not here. Hard links elsewhere keep the bytes alive.
  @discardableResult
  public func remove(_ root: ContentRoot) async throws -> UInt64 {
    try await perform(root) {
      guard let size = self.state.withLock({ $0.blobs[root] }) else { return 0 }
      try self.files.unlink(self.paths.blob(root))
      self.forget(root)
      try self.files.unlink(self.paths.layers(root))
      return size
    }
  }

  /// The unfinished blobs that no handle is open on, with the bytes that they take on the disk.
  public func idlePartials() async throws -> [ContentRoot: UInt64] {
    try await performAnywhere(lane: 0) {
      var found: [ContentRoot: UInt64] = [:]
      let busy = self.inFlight
      for name in try self.files.names(in: self.paths.partials) {
        guard let root = ContentRoot(hex: name), !busy.contains(root) else { continue }
        found[root] = self.files.allocatedSize(of: self.paths.partial(root))
      }
      return found
    }
  }

  /// Removes an unfinished blob unless a handle is open on it; returns the bytes freed.
  @discardableResult
  public func removePartial(_ root: ContentRoot) async throws -> UInt64 {
    guard state.withLock({ $0.open.insert(root).inserted }) else { return 0 }
    defer { state.withLock { _ = $0.open.remove(root) } }
    return try await perform(root) {
      let freed = self.files.allocatedSize(of: self.paths.partial(root))
      try self.files.unlink(self.paths.map(root))
      try self.files.unlink(self.paths.partial(root))
      return freed
    }
  }

  /// Makes a blob of one block complete, together with others that come at the same time.
  func commitSmall(_ root: ContentRoot, _ bytes: [UInt8]) async throws {
    do {
      try await smallCommits.commit(root, bytes) { [weak self] root, size in
        self?.state.withLock { $0.blobs[root] = size }
      }
    } catch let error as FileError {
      throw error.isDiskFull ? BlobStoreError.noSpace : BlobStoreError.device(error.description)
    }
  }

  /// Runs blocking work that belongs to no blob.
  func performAnywhere<Value: Sendable>(
    lane: Int, _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    do {
      return try await io.run(lane: lane, body)
    } catch let error as FileError {
      throw error.isDiskFull ? BlobStoreError.noSpace : BlobStoreError.device(error.description)
    }
  }
}
