public import Cryptography
public import Wire

/// How a blob of a certain size falls into blocks and pieces.
public struct BlockLayout: Sendable, Hashable {
  /// The blob's size in bytes, 1 to `Limits.blob`.
  public let size: UInt64

  /// The layout of a blob of `size` bytes; nil for zero and for more than `Limits.blob`.
  public init?(size: UInt64) {
    guard size > 0, size <= Limits.blob else { return nil }
    self.size = size
  }

  /// The number of 64 KiB blocks; the last may be shorter.
  public var blockCount: Int { MerkleTree.Level.block.count(of: size) }

  /// The number of 1 MiB pieces; the last may be shorter.
  public var pieceCount: Int { MerkleTree.Level.piece.count(of: size) }

  /// Whether the blob is one block, which travels whole and is checked by the root alone.
  public var isSingleBlock: Bool { size <= UInt64(Limits.block) }

  /// The blocks of one piece.
  public func blocks(ofPiece piece: Int) -> Range<Int> {
    let start = min(piece * Self.blocksPerPiece, blockCount)
    return start..<min(start + Self.blocksPerPiece, blockCount)
  }

  /// The bytes of one block of the blob.
  public func bytes(ofBlock block: Int) -> Range<UInt64> {
    let start = UInt64(block) * UInt64(Limits.block)
    return start..<min(start + UInt64(Limits.block), size)
  }

  /// The length in bytes of one block of the blob.
  public func length(ofBlock block: Int) -> Int {
    bytes(ofBlock: block).count
  }

  /// The root that these digests of all blocks make; nil for another number of them.
  ///
  /// The digests are those of `VerifiedBlock`: of a blob of one block the digest is the root.
  public func root(ofBlocks digests: [Bytes32]) -> ContentRoot? {
    if isSingleBlock { return digests.count == 1 ? ContentRoot(digests[0]) : nil }
    return MerkleTree.root(ofLayer: digests, level: .block, size: size)
  }

  /// The blocks in a whole piece.
  public static let blocksPerPiece = Limits.piece / Limits.block
}
