import Testing
import Wire

@testable import Transfer

@Suite struct OffsetRangesTests {
  @Test(arguments: 0..<200 as Range<UInt64>)
  func rangesMatchASet(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var ranges = OffsetRanges()
    var model: Set<UInt64> = []
    for _ in 0..<60 {
      let start = UInt64.random(in: 0..<80, using: &random)
      let range = start..<start + UInt64.random(in: 0..<12, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        ranges.remove(range)
        model.subtract(range)
      case 1 where seed % 4 == 0:
        ranges.remove(below: start)
        model = model.filter { $0 >= start }
      default:
        ranges.insert(range)
        model.formUnion(range)
      }
      #expect(ranges.ranges.flatMap { Array($0) } == model.sorted())
      for value in 0..<95 as Range<UInt64> {
        #expect(ranges.contains(value) == model.contains(value))
      }
      let pairs = zip(ranges.ranges, ranges.ranges.dropFirst())
      #expect(pairs.allSatisfy { $0.upperBound < $1.lowerBound })
    }
  }
}

@Suite struct ByteWindowTests {
  @Test(arguments: 0..<50 as Range<UInt64>)
  func windowMatchesAnArray(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var window = ByteWindow()
    var model = [UInt8](repeating: 0, count: 400_000)
    var start = 0
    var end = 0
    while end < 300_000 {
      let at = Int.random(in: start...end + 1_000, using: &random)
      let bytes = (0..<Int.random(in: 1...20_000, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      bytes.withUnsafeBytes { window.write($0, at: UInt64(at)) }
      model.replaceSubrange(at..<at + bytes.count, with: bytes)
      end = max(end, at + bytes.count)
      var read: [UInt8] = []
      window.read(UInt64(at)..<UInt64(at + bytes.count)) { read += $0 }
      #expect(read == bytes)
      start = Int.random(in: start...at, using: &random)
      window.release(below: UInt64(start))
      #expect(window.allocated <= end - start + 3 * (32 << 10))
    }
    window.release(below: UInt64(end))
    window.trim()
    #expect(window.allocated <= 32 << 10)
  }
}

@Suite struct PathMTUTests {
  private let now = Instant.zero + .seconds(1)

  @Test func beginsWithWhatIPv6Guarantees() {
    #expect(PathMTU(largest: 1_472, now: now).current == 1_232)
    #expect(PathMTU(largest: 1_024, now: now).current == 1_024)
  }

  @Test(arguments: PathMTU.sizes.filter { $0 >= 1_232 })
  func findsTheLongestThatPasses(limit: Int) {
    var mtu = PathMTU(largest: 8_952, now: now)
    var probes = 0
    while let size = mtu.probe(now: now), probes < 50 {
      probes += 1
      mtu.probeSent()
      #expect(mtu.probe(now: now) == nil)
      if size <= limit { mtu.probeAcknowledged(size) } else { mtu.probeLost(size, now: now) }
    }
    #expect(mtu.current == limit)
  }

  @Test func fallsWhenOnlyShortPacketsArrive() {
    var mtu = PathMTU(largest: 1_472, now: now)
    mtu.probeAcknowledged(1_472)
    for _ in 0..<20 { mtu.lost(1_472) }
    mtu.acknowledged(1_472)
    mtu.shortArrived(now: now)
    #expect(mtu.current == 1_472)
    for _ in 0..<20 { mtu.lost(1_472) }
    mtu.shortArrived(now: now)
    #expect(mtu.current == 1_232)
    mtu.fall(now: now)
    #expect(mtu.current == 1_024)
    #expect(mtu.probe(now: now) == nil)
    #expect(mtu.probe(now: now + .seconds(5)) != nil)
  }
}

@Suite struct PacerTests {
  @Test func keepsToItsRate() {
    var pacer = Pacer(now: .zero)
    var sent = 0
    var now = Instant.zero
    let rate = 1e6
    while now < .zero + .seconds(10) {
      pacer.refill(now: now, rate: rate, datagram: 1_000)
      while pacer.isOpen {
        pacer.spend(1_000)
        sent += 1_000
      }
      let next = pacer.opens(rate: rate, datagram: 1_000)
      #expect(next > now)
      now = next
    }
    #expect(abs(Double(sent) - 10 * rate) < 0.01 * 10 * rate)
  }

  @Test func aRestSavesNoMoreThanABurst() {
    var pacer = Pacer(now: .zero)
    pacer.refill(now: .zero + .seconds(100), rate: 1e6, datagram: 1_000)
    var sent = 0
    while pacer.isOpen {
      pacer.spend(1_000)
      sent += 1_000
    }
    #expect(sent <= 5_000)
  }
}
