import Cryptography
import Wire

/// Gathers a blob's block layer and lets in only digests that the root vouches for.
///
/// A blob of at most one piece has its block layer checked against the root at once. Above, the
/// piece layer comes first, from one peer, so that a wrong one names its sender; then the blocks'
/// digests, each piece checked by itself. A whole block layer that comes with a HAVE saves both.
struct LayerCollector: Sendable {
  /// What became of offered digests.
  enum Outcome: Equatable {
    /// They are right and new.
    case accepted
    /// They are known already, or more of them must come before they can be checked.
    case useless
    /// They do not make the root.
    case wrong
  }

  let root: ContentRoot
  let layout: BlockLayout
  private(set) var pieces: [Bytes32]?
  private var blocks: [Bytes32]
  private var knownPieces: BlockSet
  private var requested: BlockSet

  init(root: ContentRoot, layout: BlockLayout) {
    self.root = root
    self.layout = layout
    blocks = [Bytes32](repeating: .zero, count: layout.blockCount)
    knownPieces = BlockSet(capacity: layout.pieceCount)
    requested = knownPieces
    if layout.isSingleBlock {
      blocks[0] = root.bytes
      knownPieces.insert(0)
    }
  }

  var isComplete: Bool { knownPieces.isFull }

  /// The layer to keep beside the blob; nil before it is complete.
  var layers: MerkleLayers? {
    isComplete ? MerkleLayers(blocks: blocks, size: layout.size) : nil
  }

  /// The digest that a block must have; nil before it is known.
  func digest(ofBlock block: Int) -> Bytes32? {
    guard block >= 0, block < layout.blockCount,
      knownPieces.contains(block / BlockLayout.blocksPerPiece)
    else { return nil }
    return blocks[block]
  }

  /// Takes a whole layer.
  mutating func take(_ level: MerkleTree.Level, whole digests: [Bytes32]) -> Outcome {
    guard !isComplete else { return .useless }
    switch level {
    case .leaf:
      return .wrong
    case .block:
      guard layout.root(ofBlocks: digests) == root else { return .wrong }
      blocks = digests
      knownPieces = BlockSet(full: layout.pieceCount)
      return .accepted
    case .piece:
      guard pieces == nil else { return .useless }
      guard layout.pieceCount > 1,
        MerkleTree.root(ofLayer: digests, level: .piece, size: layout.size) == root
      else { return .wrong }
      pieces = digests
      return .accepted
    }
  }

  /// Takes the digests of the blocks of whole pieces, which start at block `start`.
  mutating func take(blocksFrom start: Int, digests: [Bytes32]) -> Outcome {
    if layout.pieceCount == 1 || digests.count == layout.blockCount {
      return take(.block, whole: digests)
    }
    guard let pieces else { return .useless }
    guard start % BlockLayout.blocksPerPiece == 0, start + digests.count <= layout.blockCount
    else { return .wrong }
    var outcome = Outcome.useless
    var piece = start / BlockLayout.blocksPerPiece
    var next = start
    while next < start + digests.count {
      let range = layout.blocks(ofPiece: piece)
      guard range.upperBound <= start + digests.count else { return .wrong }
      let part = Array(digests[(range.lowerBound - start)..<(range.upperBound - start)])
      guard MerkleTree.reduce(part, from: 2, to: 6) == pieces[piece] else { return .wrong }
      if knownPieces.insert(piece) {
        blocks.replaceSubrange(range, with: part)
        outcome = .accepted
      }
      next = range.upperBound
      piece += 1
    }
    return outcome
  }

  /// The next range of blocks' digests to ask for, marked as asked; nil if none is left.
  mutating func nextRequest() -> HashRange? {
    if layout.pieceCount == 1 {
      guard !isComplete, requested.insert(0) else { return nil }
      return HashRange(level: .block, start: 0, count: layout.blockCount)
    }
    guard pieces != nil, let first = firstUnrequested() else { return nil }
    var last = first
    let most = HashRange.limit / BlockLayout.blocksPerPiece
    while last < layout.pieceCount, last - first < most, isWanted(last) {
      requested.insert(last)
      last += 1
    }
    let start = layout.blocks(ofPiece: first).lowerBound
    let end = layout.blocks(ofPiece: last - 1).upperBound
    return HashRange(level: .block, start: start, count: end - start)
  }

  /// Lets a range be asked for again.
  mutating func release(_ range: HashRange) {
    guard range.level == .block, range.count > 0 else { return }
    let per = BlockLayout.blocksPerPiece
    for piece in (range.start / per)...((range.start + range.count - 1) / per) {
      requested.remove(piece)
    }
  }

  private func isWanted(_ piece: Int) -> Bool {
    !requested.contains(piece) && !knownPieces.contains(piece)
  }

  private func firstUnrequested() -> Int? {
    var piece = requested.firstMissing()
    while let candidate = piece, knownPieces.contains(candidate) {
      piece = requested.firstMissing(from: candidate + 1)
    }
    return piece
  }
}
