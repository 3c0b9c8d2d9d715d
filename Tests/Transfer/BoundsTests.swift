import Cryptography
import Testing
import Transfer
import Wire

@Test(arguments: [50_000, 1_000_000, 20_000_000] as [UInt64])
func bucketKeepsItsRateOverTenSeconds(rate: UInt64) {
  var bucket = TokenBucket(rate: rate, now: .zero)
  var now = Instant.zero
  var moved = 0
  while now < .zero + .seconds(10) {
    now = now + bucket.take(Limits.block, now: now)
    moved += Limits.block
  }
  let allowed = Double(rate * 10 + bucket.burst + UInt64(Limits.block))
  #expect(Double(moved) <= allowed)
  #expect(Double(moved) >= Double(rate * 10) * 0.95)
}

@Test func bucketWithoutARateNeverWaits() {
  var bucket = TokenBucket(rate: nil, now: .zero)
  for _ in 0..<1_000 { #expect(bucket.take(1 << 20, now: .zero) == .zero) }
}

@Test func bansEndAndTheirNumberIsBounded() {
  var random = SplitMix64(seed: 1)
  var list = BanList(capacity: 3, term: .seconds(60))
  let keys = (0..<5).map { _ in PublicKey(Bytes32.random(using: &random)) }
  for (index, key) in keys.enumerated() {
    list.ban(key, for: .badBlock(index), now: .zero + .seconds(index))
  }
  let now = Instant.zero + .seconds(5)
  #expect(list.count == 3)
  #expect(list.ban(of: keys[0], now: now) == nil && list.ban(of: keys[1], now: now) == nil)
  #expect(list.ban(of: keys[4], now: now)?.offence == .badBlock(4))
  #expect(list.ban(of: keys[4], now: .zero + .seconds(64)) == nil)
  list.lift(keys[3])
  #expect(list.current(now: now).count == 2)
}

@Test func bansOutliveARestartAndGetNoLonger() {
  var random = SplitMix64(seed: 2)
  let keys = (0..<8).map { _ in PublicKey(Bytes32.random(using: &random)) }
  let offences: [Offence] = [
    .wrongSize(1 << 60, signed: 7), .badBitmap, .badLayer, .badBlock(3), .badLength(block: 4, 5),
    .unasked, .violation,
  ]
  var list = BanList(capacity: 16, term: .seconds(3_600))
  for (key, offence) in zip(keys, offences) {
    list.ban(key, for: offence, now: .zero + .seconds(100))
  }
  let saved = list.encoded(now: .zero + .seconds(200), wall: Timestamp(10_000))
  #expect(list.encoded(now: .zero + .seconds(260), wall: Timestamp(10_061)) == saved)

  var next = BanList(capacity: 16, term: .seconds(3_600))
  next.restore(saved, now: .zero + .seconds(5), wall: Timestamp(10_500))
  for (key, offence) in zip(keys, offences) {
    // 3,500 s were left when it was written down, 500 s ago, as 13,800.
    #expect(next.ban(of: key, now: .zero + .seconds(3_304))?.offence == offence)
    #expect(next.ban(of: key, now: .zero + .seconds(3_305)) == nil)
  }

  var backwards = BanList(capacity: 16, term: .seconds(60))
  backwards.restore(saved, now: .zero, wall: Timestamp(-1 << 40))
  #expect(backwards.ban(of: keys[0], now: .zero + .seconds(60)) == nil)
  var late = BanList()
  late.restore(saved, now: .zero, wall: Timestamp(20_000))
  #expect(late.count == 0)
}

@Test func anEndThatWasRoundedIsNotRoundedAgain() {
  var random = SplitMix64(seed: 4)
  var list = BanList(capacity: 16, term: .seconds(24 * 3_600))
  list.ban(PublicKey(Bytes32.random(using: &random)), for: .badBitmap, now: .zero)
  var saved = list.encoded(now: .zero, wall: Timestamp(10_007))
  let first = saved
  for start in 1...50 as ClosedRange<Int64> {
    // Each run begins and ends between two ticks of the clock.
    let wall = Timestamp(10_007 + start * 100)
    let now = Instant.zero + .milliseconds(start * 337)
    var next = BanList(capacity: 16, term: .seconds(24 * 3_600))
    next.restore(saved, now: now, wall: wall)
    saved = next.encoded(now: now + .milliseconds(60_000 + start * 13), wall: wall + .seconds(60))
    #expect(saved == first)
  }
}

@Test func savedBansThatMakeNoSenseAreDropped() {
  var random = SplitMix64(seed: 3)
  var list = BanList()
  for _ in 0..<20 {
    list.ban(PublicKey(Bytes32.random(using: &random)), for: .badBitmap, now: .zero)
  }
  let saved = list.encoded(now: .zero, wall: Timestamp(0))
  for count in 0..<saved.count {
    var read = BanList()
    read.restore(Array(saved.prefix(count)), now: .zero, wall: Timestamp(0))
    #expect(read.count == max(0, count - 1) / 57)
  }
  var small = BanList(capacity: 7)
  small.restore(saved, now: .zero, wall: Timestamp(0))
  #expect(small.count == 7)
  var other = BanList()
  other.restore([9] + saved.dropFirst(), now: .zero, wall: Timestamp(0))
  #expect(other.count == 0)
}

@Test func wrongBytesDoNotMakeAVerifiedBlock() throws {
  let layout = try #require(BlockLayout(size: 100_000))
  let bytes = [UInt8](repeating: 1, count: 65_536)
  let block = try #require(VerifiedBlock(hashing: bytes, index: 0, layout: layout))
  #expect(VerifiedBlock(checking: bytes, index: 0, layout: layout, expected: block.digest) != nil)
  #expect(VerifiedBlock(checking: bytes, index: 0, layout: layout, expected: .zero) == nil)
  #expect(VerifiedBlock(hashing: bytes, index: 1, layout: layout) == nil)
  #expect(VerifiedBlock(hashing: bytes, index: 2, layout: layout) == nil)
  #expect(VerifiedBlock(hashing: Array(bytes.dropLast()), index: 0, layout: layout) == nil)
}
