public import Cryptography
import Glibc
import Synchronization
import Transfer
import Wire

/// A file that became a blob, with the digests that Portage's index wants.
public struct ImportedBlob: Sendable, Equatable {
  /// The blob's name.
  public let root: ContentRoot
  /// The blob's size in bytes.
  public let size: UInt64
  /// The 16 bytes of MD5.
  public let md5: [UInt8]
  /// The 20 bytes of SHA-1.
  public let sha1: [UInt8]
}

extension DirectoryBlobStore {
  /// How a file gets into the store.
  public enum ImportMethod: Sendable {
    /// By sharing its blocks where the file system can (reflink), else by copying its bytes.
    case copy
    /// By another name of the same file, which nobody may write in place afterwards; by `copy` where
    /// the file lies on another device.
    case link
  }

  /// Takes an existing file in and returns its name and digests.
  ///
  /// The digests are those of the bytes that the store now holds, whatever happens to the source
  /// meanwhile. Throws `BlobStoreError` (`.badSize` for an empty or too large file, `.noSpace`).
  /// Cancellation doesn't interrupt it. A blob that is here already stays as it is.
  public func importFile(
    _ path: String, by method: ImportMethod = .copy
  ) async throws -> ImportedBlob {
    try await importFile(path, by: method) { _, _ in }.blob
  }

  /// Takes an existing file in once `check` has read what the store would hold: the path of its own
  /// copy, not to be kept, and its digests. What `check` throws leaves nothing here.
  public func importFile<Value: Sendable>(
    _ path: String, by method: ImportMethod = .copy,
    check: @escaping @Sendable (_ file: String, _ blob: ImportedBlob) throws -> Value
  ) async throws -> (blob: ImportedBlob, value: Value) {
    let token = UInt64.random(in: .min ... .max)
    let temporary = paths.partials + "/" + String(token, radix: 36) + ".import"
    return try await performAnywhere(lane: Int(truncatingIfNeeded: token)) {
      do {
        return try self.take(path, by: method, through: temporary, check)
      } catch {
        try? self.files.unlink(temporary)
        throw error
      }
    }
  }

  private func take<Value>(
    _ path: String, by method: ImportMethod, through temporary: String,
    _ check: (String, ImportedBlob) throws -> Value
  ) throws -> (blob: ImportedBlob, value: Value) {
    try files.makeDirectory(paths.partials)
    var hasher = MerkleHasher()
    var digests = FileDigests()
    let file: OpenFile
    if method == .link, (try? files.link(path, to: temporary)) != nil {
      file = try files.open(temporary)
      try file.readAll { chunk in
        hasher.update(buffer: chunk)
        digests.update(buffer: chunk)
      }
    } else {
      let source = try files.open(path)
      let made = try files.create(temporary)
      file = made
      if Self.clone(source, into: made) {
        try made.readAll { chunk in
          hasher.update(buffer: chunk)
          digests.update(buffer: chunk)
        }
      } else {
        try source.readAll { chunk in
          guard digests.size + UInt64(chunk.count) <= Limits.blob else {
            throw BlobStoreError.badSize(digests.size + UInt64(chunk.count))
          }
          try self.files.write(chunk, at: digests.size, to: made)
          hasher.update(buffer: chunk)
          digests.update(buffer: chunk)
        }
      }
    }
    guard let (root, layers) = hasher.finalize(), BlockLayout(size: hasher.size) != nil else {
      throw BlobStoreError.badSize(hasher.size)
    }
    let (md5, sha1) = digests.finalize()
    let blob = ImportedBlob(root: root, size: hasher.size, md5: md5, sha1: sha1)
    let value = try check(temporary, blob)
    if state.withLock({ $0.blobs[root] }) == nil {
      try files.sync(file)
      try place(temporary, root: root, size: hasher.size, layers: layers)
    } else {
      try files.unlink(temporary)
    }
    return (blob, value)
  }

  /// Moves a flushed file to where complete blobs are and makes that durable.
  func place(_ path: String, root: ContentRoot, size: UInt64, layers: MerkleLayers?) throws {
    try paths.makeShelf(of: root, on: files)
    if let layers, LayersFile.isNeeded(size: size) {
      try LayersFile.write(layers, to: paths.layers(root), on: files)
    }
    try files.rename(path, to: paths.blob(root))
    state.withLock { $0.blobs[root] = size }
    try files.syncDirectory(paths.shelf(of: root))
  }

  /// Shares the source's blocks with a new file (`FICLONE`); false where the file system can't.
  private static func clone(_ source: OpenFile, into target: OpenFile) -> Bool {
    let request: UInt = 0x4004_9409
    return ioctl(target.descriptor, request, source.descriptor) == 0
  }
}
