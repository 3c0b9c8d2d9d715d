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
