import Cryptography
import Testing
import Transfer
import Wire

/// A crowd of one honest peer and up to nine of any kind.
private func crowd(seed: UInt64, withHonest: Bool) -> FetchWorld {
  var random = SplitMix64(seed: seed ^ 0x5EED)
  let sizes: [UInt64] = [1, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 9_000_001]
  let size = sizes.randomElement(using: &random) ?? 1
  var world = FetchWorld(size: size, seed: seed)
  let kinds: [FetchWorld.Kind] = [
    .honest, .flaky(7), .stalling(3), .liar(4), .wrongSize, .wrongLayer, .wrongBitmap, .pushing,
    .short, .closed, .mute, .without, .choking(5), .partial,
  ]
  let others = Int.random(in: 0...9, using: &random)
  let place = Int.random(in: 0...others, using: &random)
  for index in 0...others {
    var kind = kinds.randomElement(using: &random) ?? .honest
    if index == place, withHonest { kind = .honest }
    if !withHonest, !kind.lies, kind != .closed, kind != .mute { kind = .without }
    world.add(
      kind, bytesPerSecond: Double.random(in: 2e5...5e7, using: &random),
      latency: .milliseconds(Int.random(in: 1...150, using: &random)))
  }
  return world
}

@Test(arguments: 0..<300 as Range<UInt64>)
func oneHonestPeerIsEnough(seed: UInt64) {
  var world = crowd(seed: seed, withHonest: true)
  let outcome = world.run()
  #expect(outcome == .complete, "seed \(seed) after \(world.now)")
  #expect(world.wrongs.isEmpty, "seed \(seed)")
}

@Test(arguments: 0..<150 as Range<UInt64>)
func withoutHonestPeersAFetchEndsAndAcceptsNothingWrong(seed: UInt64) {
  var world = crowd(seed: seed, withHonest: false)
  let outcome = world.run()
  #expect(outcome != .endless, "seed \(seed)")
  #expect(world.wrongs.isEmpty, "seed \(seed)")
}

@Test func fourEqualSourcesAreAlmostFourTimesOne() {
  func time(_ kinds: [FetchWorld.Kind]) -> Double {
    var world = FetchWorld(size: 64 << 20, seed: 1)
    for kind in kinds { world.add(kind) }
    #expect(world.run() == .complete)
    #expect(world.wrongs.isEmpty)
    return (world.now - .zero).inSeconds
  }
  let one = time([.honest])
  #expect(one / time([.honest, .honest, .honest, .honest]) >= 3.7)
  #expect(one / time([.honest, .honest, .honest, .stalling(100)]) >= 2.5)
}

@Test func slowPeerIsLeftForFasterOnes() {
  var world = FetchWorld(size: 64 << 20, seed: 2)
  for _ in 0..<3 { world.add(.honest) }
  let slow = world.add(.honest, bytesPerSecond: 1e5)
  #expect(world.run() == .complete)
  let share = world.machine.contributions[slow] ?? 0
  #expect(share < 2 << 20)
}

@Test func badBlockBansItsSenderOnly() {
  var world = FetchWorld(size: 4 << 20, seed: 3)
  let liar = world.add(.liar(2))
  world.add(.honest)
  #expect(world.run() == .complete)
  #expect(world.peers[liar]?.isBanned == true)
  #expect(world.wrongs.isEmpty)
}

@Test func signedSizeDecidesWhoLies() {
  var world = FetchWorld(size: 4 << 20, seed: 4)
  let liar = world.add(.wrongSize)
  #expect(world.run() == .failed(.noProviders))
  #expect(world.peers[liar]?.isBanned == true)
}

@Test func mutePeersEndAFetchWithinItsDeadlines() {
  var world = FetchWorld(size: 4 << 20, seed: 5)
  for _ in 0..<3 { world.add(.mute) }
  #expect(world.run() == .failed(.noProviders))
  #expect(world.now < .zero + .seconds(61))
}

@Test func noProvidersFailAtOnce() throws {
  let layout = try #require(BlockLayout(size: 10))
  var machine = FetchMachine(root: ContentRoot(.zero), layout: layout, now: .zero)
  #expect(machine.begin(now: .zero) == [.failed(.noProviders)])
  #expect(machine.nextDeadline == nil && machine.tick(.zero + .seconds(99)) == [])
}

@Test func resumedFetchAsksOnlyForWhatIsMissing() throws {
  var world = FetchWorld(size: 2 << 20, seed: 6)
  var blocks = BlockSet(full: 32)
  blocks.remove(7)
  let contents = PartialContents(
    layers: MerkleLayers(blocks: world.digests, size: 2 << 20), blocks: blocks)
  world.machine = FetchMachine(
    root: world.root, layout: world.layout, resumed: contents, now: .zero)
  world.keptLayers = 1
  world.add(.honest)
  #expect(world.run() == .complete)
  #expect(world.requests == 1 && world.wrongs.isEmpty)
}

@Test func wholePartialCompletesWithoutPeers() throws {
  let layout = try #require(BlockLayout(size: 100_000))
  let contents = PartialContents(blocks: BlockSet(full: 2))
  var machine = FetchMachine(
    root: ContentRoot(.zero), layout: layout, resumed: contents, now: .zero)
  #expect(machine.begin(now: .zero) == [.complete])
}

@Test func smallBlobIsAskedFromOnePeerFirst() {
  var world = FetchWorld(size: 1_000, seed: 8)
  for _ in 0..<5 { world.add(.honest) }
  #expect(world.run() == .complete)
  #expect(world.requests == 1)
}
