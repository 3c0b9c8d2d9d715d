import Testing
import Transfer
import Wire

@Suite struct CongestionTests {
  /// A quarter of the rate that the targets name, so that the tests end soon; the figures at the full
  /// rate are the same.
  private static let rate = 6.25e6

  private func link(buffer: Duration = .milliseconds(50), loss: Double = 0) -> SimulatedLink {
    var link = SimulatedLink()
    link.rate = Self.rate
    link.queue = Int(Self.rate * buffer.inSeconds)
    link.loss = loss
    return link
  }

  private func world(
    _ congestion: StreamSettings.Congestion, _ link: SimulatedLink
  ) -> StreamWorld {
    var settings = StreamSettings()
    settings.congestion = congestion
    var world = StreamWorld(seed: 1, link: link, settings: settings)
    world.ends[0].left = nil
    world.checks = false
    return world
  }

  /// The share of the link that the stream gets from now until a time.
  private func share(_ world: inout StreamWorld, until time: Duration) -> Double {
    let (start, before) = (world.now, world.ends[1].read)
    world.run(until: .zero + time)
    return Double(world.ends[1].read - before) / Self.rate / (world.now - start).inSeconds
  }

  @Test(arguments: [(0, 0.85), (0.001, 0.8), (0.01, 0.6)])
  func foregroundDoesNotTakeLossForCongestion(loss: Double, target: Double) {
    var world = world(.foreground, link(loss: loss))
    #expect(share(&world, until: .seconds(6)) >= target)
  }

  @Test(arguments: [10, 50, 200])
  func foregroundFillsAPathWhateverItsBuffer(milliseconds: Int) {
    var world = world(.foreground, link(buffer: .milliseconds(milliseconds)))
    #expect(share(&world, until: .seconds(6)) >= 0.85)
    // It does not live in the queue.
    #expect(world.ends[0].stream.smoothedRoundTrip < .milliseconds(45))
  }

  @Test func backgroundAloneFillsThePath() {
    var world = world(.background, link(buffer: .milliseconds(100)))
    #expect(share(&world, until: .seconds(8)) >= 0.85)
    #expect(world.ends[0].stream.smoothedRoundTrip < .milliseconds(80))
  }

  @Test(arguments: [50, 100], [true, false])
  func backgroundYieldsToCubicAndComesBack(buffer: Int, isFirst: Bool) {
    var world = world(.background, link(buffer: .milliseconds(buffer)))
    if !isFirst { world.ends[0].left = 0 }
    world.ends[0].finishes = false
    world.schedule(.startCubic, at: .zero + .seconds(isFirst ? 3 : 0))
    world.run(until: .zero + .seconds(3))
    world.ends[0].left = nil
    #expect(share(&world, until: .seconds(15)) <= 0.15)
    world.schedule(.stopCubic, at: world.now)
    var best = 0.0
    for half in 1...6 { best = max(best, share(&world, until: .seconds(15 + 0.5 * Double(half)))) }
    #expect(best >= 0.8)
  }
}
