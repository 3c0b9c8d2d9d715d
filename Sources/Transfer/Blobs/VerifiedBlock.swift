import Cryptography
public import Wire

/// A block whose bytes were hashed: its digest is known to be that of its bytes.
///
/// A value of this type is the only thing that a store writes, so that no caller can forget the
/// check, and a store can commit by comparing digests without reading the blob again.
public struct VerifiedBlock: Sendable {
  /// The index of the block in its blob.
  public let index: Int
  /// The bytes: 64 KiB, fewer for the last block.
  public let bytes: [UInt8]
  /// The node of the blob's tree above these bytes; of a blob of one block the root.
  public let digest: Bytes32

  /// The block at `index` of a blob, hashed; nil if the blob has no such block of that length.
  public init?(hashing bytes: [UInt8], index: Int, layout: BlockLayout) {
    guard index >= 0, index < layout.blockCount, bytes.count == layout.length(ofBlock: index)
    else { return nil }
    self.index = index
    self.bytes = bytes
    if layout.isSingleBlock {
      var hasher = MerkleHasher()
      hasher.update(bytes)
      guard let root = hasher.finalize()?.root else { return nil }
      digest = root.bytes
    } else {
      digest = bytes.withUnsafeBytes { MerkleTree.block($0) }
    }
  }

  /// The block at `index` of a blob; nil unless its digest is `expected`.
  public init?(checking bytes: [UInt8], index: Int, layout: BlockLayout, expected: Bytes32) {
    self.init(hashing: bytes, index: index, layout: layout)
    guard digest == expected else { return nil }
  }
}
