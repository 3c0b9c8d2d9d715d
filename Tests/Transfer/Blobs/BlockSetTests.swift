import Testing
import Transfer
import Wire

@Test(arguments: 0..<60 as Range<UInt64>)
func blockSetMatchesASetOfIntegers(seed: UInt64) throws {
  var random = SplitMix64(seed: seed)
  let capacity = Int.random(in: 0...200, using: &random)
  var blocks = BlockSet(capacity: capacity)
  var model: Set<Int> = []
  for _ in 0..<300 {
    let block = Int.random(in: -2...capacity + 2, using: &random)
    if Bool.random(using: &random) {
      let isNew = block >= 0 && block < capacity && !model.contains(block)
      if isNew { model.insert(block) }
      #expect(blocks.insert(block) == isNew)
    } else {
      #expect(blocks.remove(block) == (model.remove(block) != nil))
    }
    #expect(blocks.count == model.count && blocks.isFull == (model.count == capacity))
    let start = Int.random(in: 0...capacity + 1, using: &random)
    #expect(
      blocks.firstMissing(from: start)
        == (start..<max(start, capacity)).first { !model.contains($0) })
  }
  let read = try #require(BlockSet(bytes: blocks.bytes, capacity: capacity))
  #expect(read == blocks)
}

@Test func bitsPastTheLastBlockAreRefused() {
  #expect(BlockSet(bytes: [0b0000_0111], capacity: 3)?.isFull == true)
  #expect(BlockSet(bytes: [0b0000_1111], capacity: 3) == nil)
  #expect(BlockSet(bytes: [1, 0], capacity: 3) == nil)
  #expect(BlockSet(bytes: [UInt8](), capacity: 3) == nil)
  #expect(BlockSet(bytes: [UInt8](), capacity: 0)?.isFull == true)
}

@Test func fullSetHasEveryBlock() {
  let blocks = BlockSet(full: 130)
  #expect(blocks.isFull && blocks.firstMissing() == nil && blocks.contains(129))
}

@Test func layoutCutsABlobIntoBlocks() throws {
  #expect(BlockLayout(size: 0) == nil)
  #expect(BlockLayout(size: Limits.blob + 1) == nil)
  #expect(BlockLayout(size: .max) == nil)
  let one = try #require(BlockLayout(size: 65_536))
  #expect(one.blockCount == 1 && one.isSingleBlock)
  let layout = try #require(BlockLayout(size: (1 << 20) + 1))
  #expect(layout.blockCount == 17 && layout.pieceCount == 2 && !layout.isSingleBlock)
  let last: Range<UInt64> = 1_048_576..<1_048_577
  #expect(layout.bytes(ofBlock: 16) == last && layout.length(ofBlock: 16) == 1)
  #expect(layout.blocks(ofPiece: 1) == 16..<17)
}
