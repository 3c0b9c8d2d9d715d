public import Cryptography

/// Where blobs live, named by their content root.
///
/// The embedded implementation is a directory, the cloud's an object store, the tests' a dictionary
/// with faults; each runs the conformance suite of `Tests/Support`. Every verb may be called from
/// many tasks at once. Cancelling a call leaves the store as if it had not begun or had ended.
public protocol BlobStore: Sendable {
  /// The size in bytes of a complete blob; nil if it is not here whole.
  func size(of root: ContentRoot) async throws -> UInt64?

  /// The block digests of a complete blob; nil if it is not here whole.
  ///
  /// For a blob of at most 64 KiB the one digest is that of a whole block and not the root.
  func layers(of root: ContentRoot) async throws -> MerkleLayers?

  /// The bytes of `range` of a complete blob, as a new array.
  ///
  /// Throws `BlobStoreError.notHere` without the blob, `.outOfRange` for a range past its end.
  func read(_ root: ContentRoot, _ range: Range<UInt64>) async throws -> [UInt8]

  /// Opens the unfinished blob of that name, with what a former run left of it.
  ///
  /// Throws `BlobStoreError.badSize` for zero, for more than `Limits.blob` and for a size that
  /// differs from the one the partial was begun with, `.inUse` while another handle on it is open,
  /// `.alreadyHere` if the blob is complete.
  func beginPartial(_ root: ContentRoot, size: UInt64) async throws -> any PartialBlob
}

/// One blob on its way in.
///
/// Blocks come in any order and from several tasks at once. The last call, alone, is one of `commit`,
/// `suspend` and `abandon`; after it the handle is closed and every verb throws
/// `BlobStoreError.closed`. A commit that finds blocks missing leaves the handle open.
/// A handle that is dropped without one counts as suspended.
public protocol PartialBlob: Sendable {
  /// The blob's name.
  var root: ContentRoot { get }

  /// The blob's size in bytes.
  var size: UInt64 { get }

  /// What a former run left: only blocks that are on disk and were checked.
  var resumed: PartialContents { get }

  /// Keeps the block layer, already checked against the root, for a later resume.
  func keep(_ layers: MerkleLayers) async throws

  /// Writes checked blocks; writing one again changes nothing. After an error some may be written.
  func write(_ blocks: [VerifiedBlock]) async throws

  /// Makes the blob complete and durable: flushed, then renamed.
  ///
  /// Throws `BlobStoreError.incomplete` if blocks are missing and `.rootDiffers` if the blocks'
  /// digests don't make the root; the latter deletes what was written.
  func commit() async throws

  /// Closes the handle and keeps what is here for a later `beginPartial`.
  func suspend() async throws

  /// Closes the handle and deletes what is here.
  func abandon() async throws
}

extension PartialBlob {
  /// Writes one checked block.
  public func write(_ block: VerifiedBlock) async throws {
    try await write([block])
  }
}

/// What an unfinished blob holds when it is opened.
public struct PartialContents: Sendable, Equatable {
  /// The checked block layer, if it was kept.
  public var layers: MerkleLayers?
  /// The checked blocks on disk.
  public var blocks: BlockSet

  /// The contents with this layer and these blocks.
  public init(layers: MerkleLayers? = nil, blocks: BlockSet) {
    self.layers = layers
    self.blocks = blocks
  }
}

/// Why a blob store refused.
public enum BlobStoreError: Error, Equatable, Sendable {
  /// No complete blob of that name.
  case notHere(ContentRoot)
  /// The blob is complete already.
  case alreadyHere(ContentRoot)
  /// Another handle on that partial blob is open.
  case inUse(ContentRoot)
  /// A size of zero, above the limit, or other than the partial was begun with.
  case badSize(UInt64)
  /// A range that is not within a blob of that size.
  case outOfRange(Range<UInt64>, size: UInt64)
  /// A block that this blob does not have, or not with that length.
  case badBlock(Int)
  /// A commit without that many blocks.
  case incomplete(missing: Int)
  /// The blocks make another root than the blob's name.
  case rootDiffers(expected: ContentRoot)
  /// The handle was closed before.
  case closed
  /// No room on the device; nothing that was complete is lost.
  case noSpace
  /// Another fault of the device, in the words of the system.
  case device(String)
}
