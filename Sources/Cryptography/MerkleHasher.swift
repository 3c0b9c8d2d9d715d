public import Wire

/// Computes a blob's root and layers while its bytes stream past, in memory of 32 bytes a leaf.
public struct MerkleHasher: Sendable {
  /// The bytes appended so far.
  public private(set) var size: UInt64 = 0
  private var leaves: [Bytes32] = []
  private var rest: [UInt8] = []

  /// The hasher of an empty blob.
  public init() {}

  /// Appends bytes.
  public mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update(buffer: $0) }
  }

  /// Appends bytes.
  public mutating func update(buffer: UnsafeRawBufferPointer) {
    size += UInt64(buffer.count)
    var remaining = buffer[...]
    if !rest.isEmpty {
      let head = remaining.prefix(Limits.leaf - rest.count)
      rest.append(contentsOf: head)
      remaining = remaining.dropFirst(head.count)
      guard rest.count == Limits.leaf else { return }
      leaves.append(rest.withUnsafeBytes { MerkleTree.leaf($0) })
      rest.removeAll(keepingCapacity: true)
    }
    while remaining.count >= Limits.leaf {
      let leaf = remaining.prefix(Limits.leaf)
      leaves.append(MerkleTree.leaf(UnsafeRawBufferPointer(rebasing: leaf)))
      remaining = remaining.dropFirst(Limits.leaf)
    }
    rest.append(contentsOf: remaining)
  }

  /// The root and the piece layer; nil for an empty blob, which has none (BEP 52).
  public func finalize() -> (root: ContentRoot, layers: MerkleLayers)? {
    guard size > 0 else { return nil }
    var all = leaves
    if !rest.isEmpty { all.append(rest.withUnsafeBytes { MerkleTree.leaf($0) }) }
    guard let root = MerkleTree.root(ofLayer: all, level: .leaf, size: size) else { return nil }
    return (root, MerkleLayers(leaves: all, size: size))
  }
}

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
