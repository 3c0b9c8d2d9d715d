public import Wire

/// The digests of a blob that a serving node keeps beside it: one for each 64 KiB block.
///
/// A piece's digest follows from its sixteen blocks, so blocks alone are kept: 0.05 % of the blob.
public struct MerkleLayers: Sendable, Equatable {
  /// The blob's size in bytes.
  public let size: UInt64
  /// The digest of each 64 KiB block in order.
  public let blocks: [Bytes32]

  /// The layers above these leaves.
  public init(leaves: [Bytes32], size: UInt64) {
    self.size = size
    blocks = stride(from: 0, to: leaves.count, by: 4).map { start in
      MerkleTree.reduce(Array(leaves[start..<min(start + 4, leaves.count)]), from: 0, to: 2)
    }
  }

  /// The layers of these blocks; nil if a blob of `size` has another number of blocks.
  public init?(blocks: [Bytes32], size: UInt64) {
    guard blocks.count == MerkleTree.Level.block.count(of: size) else { return nil }
    self.size = size
    self.blocks = blocks
  }

  /// The digest of each 1 MiB piece in order.
  public var pieces: [Bytes32] {
    stride(from: 0, to: blocks.count, by: 16).map { start in
      MerkleTree.reduce(Array(blocks[start..<min(start + 16, blocks.count)]), from: 2, to: 6)
    }
  }
}
