import Testing
import Transfer
import Wire

@Suite struct StreamDeliveryTests {
  /// A path and a conversation that follow from the seed alone.
  private func world(_ seed: UInt64) -> (world: StreamWorld, there: UInt64, back: UInt64) {
    var random = SplitMix64(seed: seed &* 77 &+ 5)
    var link = SimulatedLink()
    link.delay = .microseconds(Int.random(in: 100...80_000, using: &random))
    link.rate = Double.random(in: 2e4...2e7, using: &random)
    link.queue = Int.random(in: 6_000...400_000, using: &random)
    link.loss = [0, 0.01, 0.05, 0.2].randomElement(using: &random) ?? 0
    link.duplication = [0, 0.05, 0.3].randomElement(using: &random) ?? 0
    link.reordering = [0, 0.05, 0.4].randomElement(using: &random) ?? 0
    let sizes = [1_472, 1_452, 1_300, 1_232, 1_200, 1_000, 700, 560]
    link.mtu = sizes.randomElement(using: &random) ?? 0
    var settings = StreamSettings()
    settings.congestion = Bool.random(using: &random) ? .foreground : .background
    var world = StreamWorld(seed: seed, link: link, settings: settings)
    let there = UInt64.random(in: 0...200_000, using: &random)
    let back = UInt64.random(in: 0...50_000, using: &random)
    world.ends[0].left = there
    world.ends[1].left = back
    if Bool.random(using: &random) {
      world.ends[1].appetite = Int.random(in: 100...5_000, using: &random)
    }
    if Bool.random(using: &random) {
      let moved = StreamWorld.Event.change(
        Int.random(in: 0...1, using: &random), StreamWorld.address(9))
      let time = Int.random(in: 50...2_000, using: &random)
      world.schedule(moved, at: .zero + .milliseconds(time))
    }
    return (world, there, back)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func everyByteArrivesInOrderOnce(seed: UInt64) {
    var (world, there, back) = world(seed)
    world.isOver = { world in
      world.ends.allSatisfy { $0.stream.isGone(now: world.now) && $0.stream.readable == 0 }
    }
    world.run(until: .zero + .seconds(600))
    #expect(world.ends[0].stream.outcome == .finished)
    #expect(world.ends[1].stream.outcome == .finished)
    #expect(world.ends[1].read == there)
    #expect(world.ends[0].read == back)
    #expect(world.ends[0].isRight && world.ends[1].isRight)
    #expect(world.now < .zero + .seconds(600))
    let settings = StreamSettings()
    let bound = settings.receiveWindow + settings.sendBuffer + (256 << 10)
    #expect(world.ends.allSatisfy { $0.peak <= bound })
  }

  @Test func aReaderThatStopsHoldsTheSenderBack() {
    var world = StreamWorld(seed: 1, link: SimulatedLink())
    world.ends[0].left = nil
    world.ends[1].appetite = 0
    world.run(until: .zero + .seconds(3))
    let credit = Int(ReliableStream.firstCredit(StreamSettings()))
    #expect(world.ends[1].stream.readable == credit)
    #expect(world.ends[1].peak <= credit + (96 << 10))
    #expect(world.ends[0].stream.outcome == nil)
    world.ends[1].appetite = .max
    world.serve(1)
    world.run(until: .zero + .seconds(6))
    #expect(world.ends[1].read > 10_000_000)
    #expect(world.ends[1].isRight)
  }

  @Test func theSamePacketTwiceIsReadOnce() {
    var link = SimulatedLink()
    link.duplication = 1
    var world = StreamWorld(seed: 2, link: link)
    world.ends[0].left = 100_000
    world.ends[1].left = 0
    world.run(until: .zero + .seconds(5))
    #expect(world.ends[1].read == 100_000)
    #expect(world.ends[0].stream.outcome == .finished)
  }

  @Test(arguments: [1_472, 1_452, 1_300, 1_232, 1_100, 800, 560])
  func thePathsLengthIsFound(mtu: Int) {
    var link = SimulatedLink()
    link.mtu = mtu
    link.rate = 1e6
    link.queue = 50_000
    var settings = StreamSettings()
    settings.congestion = .foreground
    var world = StreamWorld(seed: 3, link: link, settings: settings)
    world.ends[0].left = nil
    world.run(until: .zero + .seconds(20))
    #expect(world.ends[0].stream.datagram <= mtu)
    #expect(world.ends[0].stream.datagram >= min(mtu, 1_472) * 3 / 4 - 60)
    #expect(world.ends[1].read > 5_000_000)
  }

  @Test func aPathThatShrinksIsNoticed() {
    var link = SimulatedLink()
    link.rate = 2e6
    link.queue = 100_000
    var world = StreamWorld(seed: 4, link: link)
    world.ends[0].left = nil
    world.run(until: .zero + .seconds(3))
    #expect(world.ends[0].stream.datagram == 1_472)
    world.links[0].mtu = 1_000
    let before = world.ends[1].read
    world.run(until: .zero + .seconds(13))
    #expect(world.ends[0].stream.datagram <= 1_000)
    #expect(world.ends[1].read > before + 2_000_000)
  }

  @Test(arguments: [0, 1])
  func aNewAddressIsProvenAndFollowed(end: Int) {
    var link = SimulatedLink()
    link.rate = 2e6
    link.queue = 100_000
    var world = StreamWorld(seed: 5, link: link)
    world.ends[0].left = nil
    world.schedule(.change(end, StreamWorld.address(9)), at: .zero + .seconds(2))
    world.run(until: .zero + .seconds(4))
    #expect(world.ends[1 - end].stream.path == StreamWorld.address(9))
    let before = world.ends[1].read
    world.run(until: .zero + .seconds(6))
    #expect(world.ends[1].read > before + 2_000_000)
    #expect(world.ends[1].isRight)
  }
}
