import Crypto
public import Wire

/// The SHA-256 Merkle tree of BEP 52: 16 KiB leaves, padded with zero digests to a power of two.
///
/// Three levels matter here: leaves (0), 64 KiB blocks (2: what is asked for and checked) and 1 MiB
/// pieces (6: what is exchanged first). A layer is a list of 32-byte digests, concatenated.
public enum MerkleTree {
  /// The level of a layer above the leaves.
  public enum Level: Int, Sendable, CaseIterable {
    /// 16 KiB leaves.
    case leaf = 0
    /// 64 KiB blocks.
    case block = 2
    /// 1 MiB pieces.
    case piece = 6

    /// The bytes of the blob under one digest of this layer.
    public var span: Int { Limits.leaf << rawValue }

    /// The digests of this layer in a blob of `size` bytes (those of pure padding not counted).
    public func count(of size: UInt64) -> Int {
      Int(size / UInt64(span)) + (size % UInt64(span) == 0 ? 0 : 1)
    }
  }

  /// The digest of one leaf of at most 16 KiB.
  public static func leaf(_ bytes: UnsafeRawBufferPointer) -> Bytes32 {
    var hash = SHA256()
    hash.update(bufferPointer: bytes)
    return hash.finalize().withUnsafeBytes { value($0) }
  }

  /// The digest of the node above two others.
  public static func parent(_ left: Bytes32, _ right: Bytes32) -> Bytes32 {
    var hash = SHA256()
    hash.update(data: left.bytes)
    hash.update(data: right.bytes)
    return hash.finalize().withUnsafeBytes { value($0) }
  }

  /// The digest of a block of at most 64 KiB that starts on a block boundary: the node two levels
  /// above its leaves, with absent leaves zero.
  public static func block(_ bytes: UnsafeRawBufferPointer) -> Bytes32 {
    var digests = leaves(bytes)
    while digests.count < 4 { digests.append(.zero) }
    return parent(parent(digests[0], digests[1]), parent(digests[2], digests[3]))
  }

  /// The digests of the leaves of some bytes that start on a leaf boundary.
  public static func leaves(_ bytes: UnsafeRawBufferPointer) -> [Bytes32] {
    if bytes.count == Level.block.span, let digests = SHA256Lanes.digests(ofQuarters: bytes) {
      return digests
    }
    return stride(from: 0, to: bytes.count, by: Limits.leaf).map { start in
      let end = min(start + Limits.leaf, bytes.count)
      return leaf(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
    }
  }

  /// The root above a layer of a blob; nil if the layer has not as many digests as that size wants.
  ///
  /// BEP 52: a blob that fits one piece has its own smaller tree, padded to a power of two of leaves
  /// only; above, absent nodes are those of a subtree of zero leaves.
  public static func root(ofLayer digests: [Bytes32], level: Level, size: UInt64) -> ContentRoot? {
    guard size > 0, digests.count == level.count(of: size) else { return nil }
    let leafCount = Level.leaf.count(of: size)
    let height = leafCount <= 1 ? 0 : Int.bitWidth - (leafCount - 1).leadingZeroBitCount
    guard height > level.rawValue else {
      // The whole blob lies under one digest of this layer: the tree is lower than the layer.
      guard digests.count == 1 else { return nil }
      return height == level.rawValue ? ContentRoot(digests[0]) : nil
    }
    return ContentRoot(reduce(digests, from: level.rawValue, to: height))
  }

  /// The node at level `top` above consecutive nodes of level `bottom`, the absent ones being zero.
  public static func reduce(_ digests: [Bytes32], from bottom: Int, to top: Int) -> Bytes32 {
    var layer = digests
    var padding = zero(level: bottom)
    for _ in bottom..<top {
      var above: [Bytes32] = []
      above.reserveCapacity((layer.count + 1) / 2)
      for index in stride(from: 0, to: layer.count, by: 2) {
        above.append(parent(layer[index], index + 1 < layer.count ? layer[index + 1] : padding))
      }
      layer = above
      padding = parent(padding, padding)
    }
    return layer.first ?? padding
  }

  /// The node at `level` above zero leaves only.
  public static func zero(level: Int) -> Bytes32 {
    var digest = Bytes32.zero
    for _ in 0..<level { digest = parent(digest, digest) }
    return digest
  }

  /// The value of the first 32 bytes.
  static func value(_ digest: UnsafeRawBufferPointer) -> Bytes32 {
    func word(_ index: Int) -> UInt64 {
      UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }
    return Bytes32(words: (word(0), word(1), word(2), word(3)))
  }
}
