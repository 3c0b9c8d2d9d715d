import Testing
import Wire

@testable import DHT

/// The set that forgets.
@Suite struct GenerationsTests {
  @Test func aMemberIsRememberedForOneToTwoSpans() {
    var set = Generations<Int>(span: .seconds(10), limit: 4)
    set.pass(to: .seconds(100))
    set.insert(1)
    set.pass(to: .seconds(109))
    #expect(set.contains(1))
    set.pass(to: .seconds(110))
    set.insert(2)
    #expect(set.contains(1) && set.contains(2))
    set.pass(to: .seconds(120))
    #expect(!set.contains(1) && set.contains(2))
  }

  @Test func aLongSilenceForgetsAll() {
    var set = Generations<Int>(span: .seconds(10), limit: 4)
    set.pass(to: .seconds(100))
    set.insert(1)
    set.pass(to: .seconds(120))
    #expect(set.isEmpty)
  }

  @Test func whatIsUsedStays() {
    var set = Generations<Int>(span: .seconds(10), limit: 4)
    for second in stride(from: 100, to: 200, by: 10) {
      set.pass(to: .seconds(second))
      #expect(second == 100 || set.contains(1))
      set.insert(1)
    }
  }

  @Test func aFullGenerationTakesNobodyInUntilItTurns() {
    var set = Generations<Int>(span: .seconds(10), limit: 2)
    set.pass(to: .seconds(100))
    for member in 1...3 { set.insert(member) }
    #expect(set.isFull && set.isIncomplete)
    #expect(!set.contains(3))
    set.turn(.seconds(101))
    // The elder was full: who is not here may have been left out.
    #expect(!set.isFull && set.isIncomplete)
    set.insert(3)
    #expect(set.contains(1) && set.contains(3))
    set.remove(1)
    #expect(!set.contains(1))
  }

  /// Against a list of when each was last put in.
  @Test(arguments: 0..<50 as Range<UInt64>)
  func itForgetsNobodyTooEarlyOrTooLate(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var set = Generations<UInt64>(span: .seconds(10), limit: 1_000)
    var last: [UInt64: Int] = [:]
    var now = 1_000
    for _ in 0..<400 {
      now += Int(random.next() % 4)
      set.pass(to: .seconds(now))
      let member = random.next() % 20
      if let at = last[member] {
        if now - at < 10 { #expect(set.contains(member)) }
        // Time is looked at every three seconds or oftener.
        if now - at >= 26 { #expect(!set.contains(member)) }
      } else {
        #expect(!set.contains(member))
      }
      set.insert(member)
      last[member] = now
    }
  }
}
