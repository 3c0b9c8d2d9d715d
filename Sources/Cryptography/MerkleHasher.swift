import Wire

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
    while remaining.count >= Limits.block {
      leaves += MerkleTree.leaves(UnsafeRawBufferPointer(rebasing: remaining.prefix(Limits.block)))
      remaining = remaining.dropFirst(Limits.block)
    }
    while remaining.count >= Limits.leaf {
      let leaf = remaining.prefix(Limits.leaf)
      leaves.append(MerkleTree.leaf(UnsafeRawBufferPointer(rebasing: leaf)))
      remaining = remaining.dropFirst(Limits.leaf)
    }
    rest.append(contentsOf: remaining)
  }

  /// The root and the layers that a serving node keeps; nil for an empty blob, which has none (BEP 52).
  public func finalize() -> (root: ContentRoot, layers: MerkleLayers)? {
    guard size > 0 else { return nil }
    var all = leaves
    if !rest.isEmpty { all.append(rest.withUnsafeBytes { MerkleTree.leaf($0) }) }
    guard let root = MerkleTree.root(ofLayer: all, level: .leaf, size: size) else { return nil }
    return (root, MerkleLayers(leaves: all, size: size))
  }
}
