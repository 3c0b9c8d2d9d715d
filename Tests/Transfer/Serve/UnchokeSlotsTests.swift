import Testing
import Transfer
import Wire

/// Jain's index of some shares: 1 when all are equal (Jain, Chiu, Hawe 1984).
private func jain(_ shares: [Double]) -> Double {
  let sum = shares.reduce(0, +)
  let squares = shares.reduce(0) { $0 + $1 * $1 }
  return sum * sum / (squares * Double(shares.count))
}

private func slots(_ askers: Int, local: Set<UInt64> = []) -> (UnchokeSlots, open: Set<UInt64>) {
  var slots = UnchokeSlots()
  var open = Set<UInt64>()
  for asker in 0..<UInt64(askers) {
    slots.add(asker, isLocal: local.contains(asker))
    open.insert(asker)
    for change in slots.interest(asker, true) where !change.isOpen { open.remove(change.asker) }
  }
  return (slots, open)
}

@Test func fiveAreServedAndTheOthersWait() {
  let (slots, open) = slots(20)
  #expect(open == [0, 1, 2, 3, 4])
  #expect(slots.openCount == 5)
}

@Test func localAskersNeverWaitAndTakeNoSlot() {
  let (slots, open) = slots(20, local: [7, 9])
  #expect(open == [0, 1, 2, 3, 4, 7, 9])
  #expect(slots.openCount == 5)
}

@Test func slotOfWhoLeavesGoesToTheNext() {
  var (slots, _) = slots(8)
  #expect(slots.remove(2) == [.init(asker: 5, isOpen: true)])
  #expect(slots.interest(0, false) == [.init(asker: 6, isOpen: true)])
}

@Test func whoWantsIsCountedOnceUntilItLeaves() {
  var (slots, _) = slots(8, local: [7])
  #expect(slots.interestedCount == 8)
  _ = slots.interest(3, true)
  _ = slots.interest(7, false)
  #expect(slots.interestedCount == 7)
  _ = slots.remove(7)
  _ = slots.remove(0)
  _ = slots.remove(0)
  #expect(slots.interestedCount == 6)
}

@Test func whoGivesIsServedFirst() {
  var (slots, _) = slots(20)
  let traffic: [UInt64: UnchokeSlots.Traffic] = [17: .init(sent: 1_000, received: 500)]
  let changes = slots.tick(.zero + .seconds(1), traffic: traffic)
  #expect(changes.contains(.init(asker: 17, isOpen: true)))
}

@Test func withoutABoundNobodyWaits() {
  var settings = UnchokeSlots.Settings()
  settings.regular = nil
  var slots = UnchokeSlots(settings: settings)
  for asker in 0..<1_000 as Range<UInt64> {
    slots.add(asker, isLocal: false)
    #expect(slots.interest(asker, true).isEmpty)
  }
  #expect(slots.tick(.zero + .seconds(10), traffic: [:]).isEmpty)
}

/// A seeder with more askers than slots: over some rounds everybody gets the same.
@Test(arguments: [8, 50, 200])
func turnsAreFair(askers: Int) {
  var (slots, open) = slots(askers)
  var sent = [UInt64](repeating: 0, count: askers)
  var random = SplitMix64(seed: UInt64(askers))
  var now = Instant.zero
  for _ in 0..<askers * 4 {
    for asker in open {
      // Links differ by a factor of two.
      sent[Int(asker)] += 1_000_000 + random.next(upperBound: 1_000_000)
    }
    now = now + .seconds(5)
    var traffic: [UInt64: UnchokeSlots.Traffic] = [:]
    for asker in 0..<askers {
      traffic[UInt64(asker)] = .init(sent: sent[asker], received: 0)
    }
    for change in slots.tick(now, traffic: traffic) {
      if change.isOpen { open.insert(change.asker) } else { open.remove(change.asker) }
    }
    #expect(open.count == 5)
  }
  #expect(jain(sent.map { Double($0) }) >= 0.9)
}

/// A limit that is always used lets through what it says, within 5 % over ten seconds.
@Test(arguments: [100_000, 1_000_000, 25_000_000, 1_000_000_000] as [UInt64])
func rateLimitIsKept(rate: UInt64) {
  var bucket = TokenBucket(rate: rate, now: .zero)
  var now = Instant.zero
  var moved = 0.0
  // The first second's burst is over.
  while now < .zero + .seconds(11) {
    let wait = bucket.take(65_536, now: now)
    if now >= .zero + .seconds(1) { moved += 65_536 }
    now = now + wait
    if wait == .zero { now = now + .microseconds(1) }
  }
  let wanted = Double(rate) * 10
  #expect(abs(moved - wanted) <= max(wanted * 0.05, 65_536))
}
