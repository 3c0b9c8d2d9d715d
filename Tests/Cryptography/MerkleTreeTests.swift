import Cryptography
import Testing
import Wire

/// A naive tree: hashes the two halves of a power-of-two range of leaves, recursively.
private struct NaiveTree {
  let leaves: [[UInt8]]

  init(_ bytes: [UInt8]) {
    leaves = stride(from: 0, to: bytes.count, by: 16_384).map { start in
      SHA2.sha256(Array(bytes[start..<min(start + 16_384, bytes.count)]))
    }
  }

  /// The node above `width` leaves from `start`, those past the end being zero digests.
  func node(_ start: Int, _ width: Int) -> [UInt8] {
    if width == 1 {
      return start < leaves.count ? leaves[start] : [UInt8](repeating: 0, count: 32)
    }
    return SHA2.sha256(node(start, width / 2) + node(start + width / 2, width / 2))
  }

  var root: [UInt8] {
    var width = 1
    while width < leaves.count { width *= 2 }
    return node(0, width)
  }

  func layer(_ width: Int) -> [[UInt8]] {
    stride(from: 0, to: leaves.count, by: width).map { node($0, width) }
  }
}

@Suite struct MerkleTreeTests {
  private func blob(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SplitMix64(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
      withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) }
    }
    return Array(bytes[..<count])
  }

  private func hashed(_ bytes: [UInt8], steps: [Int]) throws -> (ContentRoot, MerkleLayers) {
    var hasher = MerkleHasher()
    var rest = bytes[...]
    var step = 0
    while !rest.isEmpty {
      let piece = rest.prefix(max(1, steps[step % steps.count]))
      hasher.update(Array(piece))
      rest = rest.dropFirst(piece.count)
      step += 1
    }
    #expect(hasher.size == UInt64(bytes.count))
    let result = try #require(hasher.finalize())
    return (result.root, result.layers)
  }

  private static let sizes = [
    1, 16_383, 16_384, 16_385, 32_768, 32_769, 49_152, 65_535, 65_536, 65_537, 131_072, 131_073,
    1_048_575, 1_048_576, 1_048_577, 2_097_152, 2_097_153, 3_145_728, 3_200_000,
  ]

  @Test(arguments: sizes)
  func equalsTheNaiveTreeAtItsEdges(size: Int) throws {
    let bytes = blob(size, seed: UInt64(size))
    let naive = NaiveTree(bytes)
    let (root, layers) = try hashed(bytes, steps: [100_000])
    #expect(root.bytes.bytes == naive.root)
    #expect(layers.blocks.map(\.bytes) == naive.layer(4))
    #expect(layers.pieces.map(\.bytes) == naive.layer(64))
  }

  @Test(arguments: 0..<24 as Range<UInt64>)
  func equalsTheNaiveTreeAtAnySizeAndStep(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let bytes = blob(Int.random(in: 1...400_000, using: &random), seed: seed)
    let steps = (0..<7).map { _ in Int.random(in: 1...70_000, using: &random) }
    let naive = NaiveTree(bytes)
    let (root, layers) = try hashed(bytes, steps: steps)
    #expect(root.bytes.bytes == naive.root)
    #expect(layers.blocks.map(\.bytes) == naive.layer(4))
  }

  @Test(arguments: sizes)
  func everyLayerLeadsToTheRoot(size: Int) throws {
    let bytes = blob(size, seed: 1)
    let (root, layers) = try hashed(bytes, steps: [size])
    let leaves = bytes.withUnsafeBytes { MerkleTree.leaves($0) }
    let length = UInt64(size)
    #expect(MerkleTree.root(ofLayer: leaves, level: .leaf, size: length) == root)
    // A tree that is lower than a layer has no root there.
    #expect(
      MerkleTree.root(ofLayer: layers.blocks, level: .block, size: length)
        == (size > 32_768 ? root : nil))
    #expect(
      MerkleTree.root(ofLayer: layers.pieces, level: .piece, size: length)
        == (size > 524_288 ? root : nil))
  }

  @Test func aBlockIsCheckedAlone() throws {
    let bytes = blob(200_000, seed: 3)
    let (_, layers) = try hashed(bytes, steps: [bytes.count])
    for (index, digest) in layers.blocks.enumerated() {
      var part = Array(bytes[index * Limits.block..<min((index + 1) * Limits.block, bytes.count)])
      #expect(part.withUnsafeBytes { MerkleTree.block($0) } == digest)
      part[part.count / 2] ^= 1
      #expect(part.withUnsafeBytes { MerkleTree.block($0) } != digest)
    }
  }

  @Test func wrongCountsHaveNoRoot() throws {
    let digests = [Bytes32](repeating: .zero, count: 3)
    #expect(MerkleTree.root(ofLayer: digests, level: .leaf, size: 16_384 * 2) == nil)
    #expect(MerkleTree.root(ofLayer: digests, level: .leaf, size: 16_384 * 4) == nil)
    #expect(MerkleTree.root(ofLayer: digests, level: .leaf, size: 16_384 * 3) != nil)
    #expect(MerkleTree.root(ofLayer: [], level: .leaf, size: 0) == nil)
    #expect(MerkleTree.root(ofLayer: digests, level: .piece, size: .max) == nil)
    #expect(MerkleLayers(blocks: digests, size: 65_536 * 2) == nil)
    #expect(MerkleLayers(blocks: digests, size: 65_536 * 3)?.blocks == digests)
    #expect(MerkleLayers(blocks: digests, size: .max) == nil)
  }

  @Test func countsRoundUpAndNeverOverflow() {
    #expect(MerkleTree.Level.leaf.count(of: 0) == 0)
    #expect(MerkleTree.Level.leaf.count(of: 1) == 1)
    #expect(MerkleTree.Level.block.count(of: 65_536) == 1)
    #expect(MerkleTree.Level.block.count(of: 65_537) == 2)
    #expect(MerkleTree.Level.piece.count(of: .max) == 1 << 44)
  }

  @Test func anEmptyBlobHasNoRoot() {
    #expect(MerkleHasher().finalize()?.root == nil)
    var hasher = MerkleHasher()
    hasher.update([])
    #expect(hasher.finalize()?.root == nil)
  }

  @Test func zeroSubtreesAreHashesOfZeros() {
    #expect(MerkleTree.zero(level: 0) == .zero)
    #expect(
      MerkleTree.zero(level: 1).bytes == SHA2.sha256([UInt8](repeating: 0, count: 64)))
    #expect(MerkleTree.reduce([], from: 2, to: 6) == MerkleTree.zero(level: 6))
  }
}
