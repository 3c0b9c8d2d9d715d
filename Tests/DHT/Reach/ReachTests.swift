import Cryptography
import Testing
import Wire

@testable import DHT

/// When a node takes it for proven that others reach it.
@Suite struct ReachTests {
  static func address(_ text: String) -> Address {
    Address(text) ?? Address(ip: .v4(1), port: 1)
  }

  let near = Self.address("5.1.1.1:7782")
  var reach = Reach()

  @Test mutating func anAnswerProvesNothing() {
    reach.wrote(to: near, now: .seconds(1_000))
    _ = reach.heard(from: near, networksKnown: 1, now: .seconds(1_001))
    _ = reach.heard(from: near, networksKnown: 1, now: .seconds(1_199))
    #expect(!reach.isReached)
    // Another port of the same host: many NATs look at the host only.
    let port = Self.address("5.1.1.1:9")
    _ = reach.heard(from: port, networksKnown: 1, now: .seconds(1_100))
    #expect(!reach.isReached)
  }

  @Test mutating func aRequestOutOfTheBlueDoes() {
    let isNew = reach.heard(from: near, networksKnown: 1, now: .seconds(1_000))
    #expect(isNew)
    #expect(reach.isReached)
  }

  @Test mutating func whoWasForgottenByAnyNATCountsAgain() {
    reach.wrote(to: near, now: .seconds(1_000))
    let later = Instant.seconds(1_000) + Reach.dialDelay
    let isNew = reach.heard(from: near, networksKnown: 1, now: later)
    #expect(isNew)
  }

  @Test mutating func threeNetworksAreWantedOrAsManyAsAreKnown() {
    let texts = ["5.1.1.1:1", "5.1.1.2:1", "5.1.2.1:1", "9.9.9.9:1"]
    var reached: [Bool] = []
    for text in texts {
      _ = reach.heard(from: Self.address(text), networksKnown: 50, now: .seconds(1_000))
      reached.append(reach.isReached)
    }
    #expect(reached == [false, false, false, true])
    var small = Reach()
    _ = small.heard(from: Self.address(texts[0]), networksKnown: 2, now: .seconds(1_000))
    #expect(!small.isReached)
    _ = small.heard(from: Self.address(texts[2]), networksKnown: 2, now: .seconds(1_000))
    #expect(small.isReached)
  }

  @Test mutating func privateAddressesProveNothing() {
    _ = reach.heard(from: Self.address("10.1.1.1:1"), networksKnown: 1, now: .seconds(1_000))
    #expect(!reach.isReached)
  }

  @Test mutating func anotherAddressOfOursIsAnotherPlace() {
    let home = Self.address("80.1.1.1:1").ip
    reach.seen(at: home, now: .seconds(1_000))
    _ = reach.heard(from: near, networksKnown: 1, now: .seconds(1_001))
    reach.seen(at: home, now: .seconds(1_002))
    #expect(reach.isReached)
    reach.seen(at: Self.address("80.1.1.2:1").ip, now: .seconds(1_003))
    #expect(!reach.isReached)
    let round = reach.round(now: .seconds(1_003))
    #expect(round == .now)
  }

  @Test mutating func thatNobodyComesIsKnownOnceAllWereAsked() {
    var failed: Int?
    for second in 1_000..<4_000 where failed == nil {
      _ = reach.round(now: .seconds(second))
      if reach.hasFailed { failed = second }
    }
    // Those who were to dial later had the time for it.
    #expect(failed == 1_610)
    _ = reach.heard(from: near, networksKnown: 1, now: .seconds(1_700))
    #expect(reach.isReached && !reach.hasFailed)
  }

  @Test mutating func roundsAlternateAndLeaveTimeForDialsThatComeLater() {
    var rounds: [(at: Int, round: Reach.Round)] = []
    for second in 1_000..<4_000 {
      let round = reach.round(now: .seconds(second))
      if round != .none { rounds.append((second, round)) }
    }
    #expect(
      rounds.map(\.at) == [1_000, 1_010, 1_610, 1_620, 2_220, 2_230, 2_830, 2_840, 3_440, 3_450])
    #expect(rounds.map(\.round).prefix(4) == [.now, .later, .now, .later])
    #expect(Duration.seconds(600) > Reach.dialDelay)
  }

  @Test mutating func whatNobodyRepeatsForTwoHoursIsForgotten() {
    _ = reach.heard(from: near, networksKnown: 1, now: .seconds(1_000))
    _ = reach.round(now: .seconds(1_000 + 7_200))
    #expect(reach.isReached)
    _ = reach.round(now: .seconds(1_001 + 7_200))
    #expect(!reach.isReached)
  }
}
