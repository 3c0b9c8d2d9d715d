import Cryptography
import Testing
import Transfer
import Wire

/// Where a node is registered, and how it asks for ways.
@Suite struct RelayPlacesTests {
  private let relays = (1...4).map { number in
    RelayDesk.Party(
      key: PublicKey(Bytes32(words: (UInt64(number), 0, 0, 1))),
      address: Address(ip: .v4(0x0501_0100 + UInt32(number)), port: 7_782))
  }

  private let seen = Address(ip: .v4(0x0901_0101), port: 9)

  private func at(_ seconds: Int64) -> Instant { .zero + .seconds(seconds) }

  @Test func theFirstTwoAreAskedAndKept() throws {
    var places = RelayPlaces()
    let sent = places.step(relays, fresh: 5, now: .zero)
    #expect(sent.map(\.party) == Array(relays[..<2]))
    #expect(sent.allSatisfy { $0.message == .register(token: 5) })
    #expect(places.kept(now: .zero).isEmpty)
    #expect(places.receive(.registered(token: 5), from: relays[0], now: .zero) == true)
    #expect(places.receive(.registered(token: 4), from: relays[1], now: .zero) == false)
    #expect(places.receive(.registered(token: 5), from: relays[3], now: .zero) == false)
    #expect(places.kept(now: .zero) == [relays[0]])
    #expect(places.admits(relays[0], now: .zero) && !places.admits(relays[1], now: .zero))
  }

  @Test func whoRefusesIsReplacedByTheNext() {
    var places = RelayPlaces()
    _ = places.step(relays, fresh: 5, now: .zero)
    _ = places.receive(.refuse(token: 5, .notRelaying), from: relays[0], now: .zero)
    let sent = places.step(relays, fresh: 5, now: .zero)
    #expect(sent.map(\.party) == [relays[2]])
    // Not asked again for ten minutes.
    for second in 1..<590 {
      let later = places.step(relays, fresh: 5, now: at(Int64(second)))
      #expect(!later.contains { $0.party == relays[0] })
    }
  }

  @Test func whoIsSilentIsGivenUpAfterFourTries() {
    var places = RelayPlaces()
    var asked = 0
    for second in 0..<60 {
      asked += places.step([relays[0]], fresh: 5, now: at(Int64(second))).count
    }
    #expect(asked == 4)
  }

  @Test func aPlaceIsRenewedAndLostWithoutAnAnswer() {
    var places = RelayPlaces()
    _ = places.step([relays[0]], fresh: 5, now: .zero)
    _ = places.receive(.registered(token: 5), from: relays[0], now: .zero)
    #expect(places.step([relays[0]], fresh: 5, now: at(29)).isEmpty)
    #expect(places.step([relays[0]], fresh: 5, now: at(30)).count == 1)
    _ = places.receive(.registered(token: 5), from: relays[0], now: at(30))
    #expect(places.kept(now: at(119)) == [relays[0]])
    #expect(places.kept(now: at(121)).isEmpty)
  }

  /// Registers at these, at this time.
  private func places(at parties: [RelayDesk.Party], now: Instant = .zero) -> RelayPlaces {
    var places = RelayPlaces()
    _ = places.step(parties, fresh: 5, now: now)
    for party in parties { _ = places.receive(.registered(token: 5), from: party, now: now) }
    return places
  }

  @Test func whoCameUpAgainUnseatsNobodyWhoAnswers() {
    // The first two are dead; the other two are kept and renewed for an hour.
    var places = RelayPlaces()
    var asked: [RelayDesk.Party: Int] = [:]
    var changes = 0
    for second in 0..<3_600 {
      for sent in places.step(relays, fresh: 5, now: at(Int64(second))) {
        asked[sent.party, default: 0] += 1
        guard relays[2...].contains(sent.party) else { continue }
        if places.receive(.registered(token: 5), from: sent.party, now: at(Int64(second))) {
          changes += 1
        }
      }
      if second > 10 { #expect(places.kept(now: at(Int64(second))) == Array(relays[2...])) }
    }
    #expect(changes == 2)
    #expect(asked[relays[0]] == 4 && asked[relays[1]] == 4)
  }

  @Test func whoFallsSilentGoesOnlyWhenAnotherAnswered() {
    var places = places(at: Array(relays[..<2]))
    var kept: Set<[RelayDesk.Party]> = []
    // The first falls silent; the third is dead, the fourth answers.
    for second in 1..<80 {
      for sent in places.step(relays, fresh: 5, now: at(Int64(second))) {
        guard sent.party == relays[1] || sent.party == relays[3] else { continue }
        _ = places.receive(.registered(token: 5), from: sent.party, now: at(Int64(second)))
      }
      kept.insert(places.kept(now: at(Int64(second))))
    }
    // It is announced until the other one is.
    #expect(kept == [Array(relays[..<2]), [relays[1], relays[3]]])
  }

  @Test func whoComesBackInTimeStays() {
    var places = places(at: Array(relays[..<2]))
    _ = places.receive(.registered(token: 5), from: relays[1], now: at(30))
    #expect(places.step(relays, fresh: 5, now: at(46)).contains { $0.party == relays[2] })
    #expect(places.receive(.registered(token: 5), from: relays[0], now: at(47)) == false)
    #expect(places.receive(.registered(token: 5), from: relays[2], now: at(47)) == false)
    #expect(places.kept(now: at(48)) == Array(relays[..<2]))
  }

  @Test func aPlaceThatIsNoCandidateAnyMoreStays() {
    var places = places(at: Array(relays[..<2]))
    #expect(places.step(Array(relays[2...]), fresh: 5, now: at(1)).isEmpty)
    #expect(places.kept(now: at(1)) == Array(relays[..<2]))
    #expect(places.step(Array(relays[2...]), fresh: 5, now: at(31)).count == 2)
  }

  @Test func noMoreThanTwoAreAnnounced() {
    var places = places(at: Array(relays[..<2]))
    _ = places.step(relays, fresh: 5, now: at(50))
    _ = places.receive(.registered(token: 5), from: relays[2], now: at(50))
    #expect(places.kept(now: at(50)).count == 2 && places.kept(now: at(50)).contains(relays[2]))
    _ = places.receive(.registered(token: 5), from: relays[3], now: at(50))
    #expect(places.kept(now: at(50)) == Array(relays[2...]))
  }

  @Test func aCookieIsShownAtOnceAndOnceForEachAsking() {
    var places = RelayPlaces()
    _ = places.step(relays, fresh: 5, now: .zero)
    #expect(places.again(to: relays[0], token: 4) == nil)
    #expect(places.again(to: relays[0], token: 5)?.message == .register(token: 5))
    #expect(places.again(to: relays[0], token: 5) == nil)
    #expect(places.again(to: relays[3], token: 5) == nil)
    _ = places.step(relays, fresh: 5, now: at(1))
    #expect(places.again(to: relays[0], token: 5) != nil)
  }

  @Test func aRelayThatComesAndGoesIsSeldomAnnounced() {
    var announced = AnnouncedRelays()
    let (two, one) = (Array(relays[..<2]), [relays[0]])
    #expect(announced.change(to: [], now: .zero) == false)
    #expect(announced.change(to: one, now: .zero) == true)
    var count = 0
    for second in 1...1_200 {
      let current = second / 10 % 2 == 0 ? one : two
      if announced.change(to: current, now: at(Int64(second))) { count += 1 }
    }
    #expect((5...10).contains(count))
    // Where none leads here any more nobody waits so long.
    #expect(announced.change(to: [relays[2]], now: at(1_260)) == true)
    #expect(announced.change(to: [relays[3]], now: at(1_280)) == false)
    #expect(announced.change(to: [relays[3]], now: at(1_290)) == true)
  }

  @Test func whoIsReachedNeedsNoPlace() {
    var places = RelayPlaces()
    _ = places.step(relays, fresh: 5, now: .zero)
    _ = places.receive(.registered(token: 5), from: relays[0], now: .zero)
    #expect(places.step([], fresh: 5, now: at(1)).isEmpty)
    #expect(places.kept(now: at(1)).isEmpty)
  }

  @Test func allRelaysAreAskedAndTheFirstGrantWins() {
    let peer = PublicKey(Bytes32(words: (9, 9, 9, 9)))
    var caller = RelayCaller(token: 3, peer: peer, relays: Array(relays[..<2]))
    let (sent, outcome) = caller.tick(now: .zero)
    #expect(sent.map(\.message) == [.ask(token: 3, peer: peer), .ask(token: 3, peer: peer)])
    #expect(outcome == nil)
    #expect(caller.receive(.grant(token: 4, slot: 1, at: seen), from: relays[0]) == nil)
    #expect(caller.receive(.grant(token: 3, slot: 1, at: seen), from: relays[3]) == nil)
    #expect(caller.receive(.refuse(token: 3, .busy), from: relays[0]) == nil)
    #expect(
      caller.receive(.grant(token: 3, slot: 1, at: seen), from: relays[1])
        == .granted(relays[1], slot: 1, peer: seen))
  }

  @Test func silenceEndsItWithinThreeSeconds() {
    var caller = RelayCaller(
      token: 3, peer: PublicKey(Bytes32(words: (9, 9, 9, 9))), relays: [relays[0]])
    var sent = 0
    var now = Instant.zero
    while true {
      let (sendings, outcome) = caller.tick(now: now)
      sent += sendings.count
      if outcome != nil {
        #expect(outcome == .failed(nil))
        break
      }
      now = caller.nextDeadline
    }
    #expect(sent == 4 && now <= at(3))
  }

  @Test func theCookieIsShownOnceToEach() {
    var caller = RelayCaller(
      token: 3, peer: PublicKey(Bytes32(words: (9, 9, 9, 9))), relays: [relays[0]])
    _ = caller.tick(now: .zero)
    #expect(caller.again(to: relays[0]) != nil)
    #expect(caller.again(to: relays[0]) == nil)
    #expect(caller.again(to: relays[1]) == nil)
    #expect(caller.receive(.refuse(token: 3, .overQuota), from: relays[0]) == .failed(.overQuota))
  }

  @Test(arguments: [
    RelayMessage.register(token: .max), .registered(token: 1),
    .ask(token: 2, peer: PublicKey(Bytes32(words: (1, 2, 3, 4)))),
    .offer(
      slot: 3, peer: PublicKey(Bytes32(words: (1, 2, 3, 4))),
      at: Address(ip: .v4(0x0901_0101), port: 9)),
    .take(slot: 4),
    .grant(token: 5, slot: 6, at: Address(ip: .v6(0x2A00_0000_0000_0000, 1), port: 9)),
    .refuse(token: 7, .overQuota), .close(slot: 8, .done),
    .probe(isAnswer: true, .symmetric), .knock,
  ])
  func messagesSurviveTheirBytes(message: RelayMessage) throws {
    let bytes = message.encoded
    #expect(try RelayMessage.decode(bytes) == message)
    #expect(try RelayMessage.decode(bytes + [1, 2, 3]) == message)
    #expect(bytes.count <= 61)
    for count in 0..<bytes.count {
      #expect(throws: RelayMessage.DecodeError.self) {
        try RelayMessage.decode(Array(bytes[..<count]))
      }
    }
    #expect(throws: StreamOpening.DecodeError.self) { try StreamOpening.decode(bytes) }
  }
}
