import Cryptography
import Testing
import Transfer
import Wire

/// A fetch that is killed at any moment goes on from the blocks that were written: what was under way
/// at that moment, at most a piece a source, comes again, and nothing else.
@Test(arguments: 0..<200 as Range<UInt64>)
func killedFetchLosesAtMostAPieceASource(seed: UInt64) throws {
  var random = SplitMix64(seed: seed ^ 0xC4A5)
  let size = UInt64.random(in: 2_000_000...24_000_000, using: &random)
  var kinds: [FetchWorld.Kind] = [.honest]
  for _ in 0..<Int.random(in: 0...3, using: &random) {
    kinds.append(
      [.honest, .flaky(9), .partial, .choking(30)].randomElement(using: &random) ?? .honest)
  }
  var resumed = PartialContents(
    blocks: BlockSet(capacity: try #require(BlockLayout(size: size)).blockCount))
  var lives = 0
  repeat {
    lives += 1
    var world = FetchWorld(size: size, seed: seed, resumed: resumed)
    for kind in kinds { world.add(kind) }
    let before = resumed.blocks.count
    let steps = lives > 8 ? 400_000 : Int.random(in: 1...600, using: &random)
    let outcome = world.run(steps: steps)
    #expect(world.wrongs.isEmpty)
    let written = world.machine.verified.count - before
    #expect(world.delivered - written <= 16 * kinds.count)
    resumed.blocks = world.machine.verified
    // The layer is on the disk as soon as it was kept.
    if world.keptLayers > 0 {
      resumed.layers = MerkleLayers(blocks: world.digests, size: size)
    }
    if outcome == .complete { break }
    #expect(outcome == .endless)
  } while lives < 10

  #expect(resumed.blocks.isFull && resumed.layers != nil)
}

/// A source that is lost and comes back, as one that changed its address does, loses the fetch nothing.
@Test(arguments: 0..<200 as Range<UInt64>)
func sourceThatComesBackGoesOn(seed: UInt64) {
  var world = FetchWorld(size: 12_000_000, seed: seed)
  world.add(.flaky(20 + Int(seed % 40)))
  #expect(world.run() == .complete)
  #expect(world.wrongs.isEmpty)
  #expect(world.delivered == world.layout.blockCount)
}

/// A source that only trickles is left for the others.
@Test(arguments: 0..<50 as Range<UInt64>)
func tricklingSourceDoesNotHoldTheFetch(seed: UInt64) {
  var world = FetchWorld(size: 60_000_000, seed: seed)
  let slow = world.add(.honest, bytesPerSecond: 20_000)
  for _ in 0..<3 { world.add(.honest) }
  #expect(world.run() == .complete)
  #expect(world.wrongs.isEmpty)
  // Three sources of 6 MB/s need 3.4 s.
  #expect(world.now < .zero + .seconds(8))
  #expect(world.machine.contributions[slow, default: 0] < 2_000_000)
}
