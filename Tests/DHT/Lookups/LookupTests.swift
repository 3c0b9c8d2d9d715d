import Cryptography
import Testing
import Wire

@testable import DHT

@Suite struct LookupTests {
  static func contacts(_ count: UInt32, near target: Bytes32) -> [Contact] {
    var random = SplitMix64(seed: 1)
    let all = (0..<count).map { Contact.random($0, using: &random) }
    return all.sorted { $0.id.bytes ^ target < $1.id.bytes ^ target }
  }

  @Test func theNearestIsAskedFirst() {
    let near = Self.contacts(10, near: .zero)
    var lookup = Lookup(target: .zero, width: 4)
    for contact in near.reversed() { lookup.add(contact) }
    for contact in near.prefix(4) {
      #expect(lookup.nextToAsk() == contact)
      lookup.mark(contact, .asked)
    }
    #expect(lookup.nextToAsk() == nil)
    #expect(lookup.outstanding == 4)
  }

  @Test func aSlowOneLetsAnotherInBesideIt() {
    let near = Self.contacts(10, near: .zero)
    var lookup = Lookup(target: .zero, width: 2)
    for contact in near { lookup.add(contact) }
    lookup.mark(near[0], .asked)
    lookup.mark(near[1], .asked)
    #expect(lookup.nextToAsk() == nil)
    lookup.mark(near[0], .slow)
    #expect(lookup.outstanding == 1)
    #expect(lookup.nextToAsk() == near[2])
    lookup.mark(near[0], .answered)
    #expect(lookup.closestAnswered(2) == [near[0]])
  }

  @Test func scoutsAreFewAndDoNotHoldUpThoseThatShouldKnow() {
    let near = Self.contacts(10, near: .zero)
    var lookup = Lookup(target: .zero, width: 10)
    for contact in near { lookup.add(contact) }
    let reach = (near[3].id.bytes ^ .zero).words.0
    let scouting = Lookup.Pace(parallelism: 4, scouts: 3)
    for contact in near[4..<7] { lookup.mark(contact, .asked) }
    #expect(lookup.nextToAsk(scouting) == nil)
    let pace = Lookup.Pace(likely: reach, parallelism: 2, scouts: 3)
    for contact in near.prefix(2) {
      #expect(lookup.nextToAsk(pace) == contact)
      lookup.mark(contact, .asked)
    }
    #expect(lookup.nextToAsk(pace) == nil)
    lookup.mark(near[0], .answered)
    #expect(lookup.nextToAsk(pace) == near[2])
  }

  @Test func ofThoseAboutAsNearTheQuickestIsAsked() throws {
    let near = Self.contacts(400, near: .zero)
    let first = near[40]
    let distance = first.id.bytes.words.0
    let beside = try #require(near.last { $0.id.bytes.words.0 <= distance * 2 })
    let beyond = try #require(near.first { $0.id.bytes.words.0 > distance * 2 })
    var lookup = Lookup(target: .zero, width: 200)
    var (slow, quick) = (RoundTrip(), RoundTrip())
    slow.measure(.milliseconds(200))
    quick.measure(.milliseconds(20))
    lookup.add(first, roundTrip: slow)
    lookup.add(beyond, roundTrip: quick)
    let pace = Lookup.Pace(parallelism: 4, scouts: 4, detour: 2)
    #expect(lookup.nextToAsk(pace) == first)
    lookup.add(beside, roundTrip: quick)
    #expect(lookup.nextToAsk(pace) == beside)
    #expect(lookup.nextToAsk(Lookup.Pace(parallelism: 4, scouts: 4)) == first)
  }

  @Test func theSearchEndsWhenTheNearestHaveAnswered() {
    let near = Self.contacts(10, near: .zero)
    var lookup = Lookup(target: .zero, width: 3)
    for contact in near { lookup.add(contact) }
    lookup.mark(near[0], .failed)
    lookup.mark(near[1], .answered)
    lookup.mark(near[2], .slow)
    lookup.mark(near[3], .answered)
    #expect(!lookup.isExhausted(isPatient: false))
    lookup.mark(near[4], .answered)
    #expect(lookup.isExhausted(isPatient: false))
    #expect(!lookup.isExhausted(isPatient: true))
    lookup.mark(near[2], .failed)
    #expect(lookup.isExhausted(isPatient: true))
  }

  @Test func candidatesAreBounded() {
    let near = Self.contacts(200, near: .zero)
    var lookup = Lookup(target: .zero, width: 4)
    for contact in near.reversed() { lookup.add(contact) }
    var asked = 0
    while let next = lookup.nextToAsk() {
      lookup.mark(next, .asked)
      lookup.mark(next, .failed)
      asked += 1
    }
    #expect(asked == 12)
  }

  @Test func aFailedNodeIsTriedAtAnotherAddress() {
    let near = Self.contacts(1, near: .zero)
    var lookup = Lookup(target: .zero, width: 4)
    lookup.add(near[0])
    lookup.mark(near[0], .failed)
    lookup.add(near[0])
    #expect(lookup.nextToAsk() == nil)
    let moved = Contact(key: near[0].key, address: Address(ip: .v4(0x0A00_00FF), port: 9))
    lookup.add(moved)
    #expect(lookup.nextToAsk() == moved)
  }

  @Test func theDestinationBudgetFillsAgain() {
    var budget = DestinationBudget(rate: 10, burst: 5)
    let address = { Address(ip: .v4(0x0A00_0000 + $0), port: 1) }
    for number in 0..<5 as Range<UInt32> {
      let isOpen = budget.admits(address(number), now: .zero)
      #expect(isOpen)
    }
    let sixth = budget.admits(address(6), now: .zero)
    #expect(!sixth)
    let known = budget.admits(address(1), now: .zero)
    #expect(known)
    let next = budget.nextToken(after: .zero)
    let later = budget.admits(address(6), now: next)
    #expect(later)
    #expect(next - .zero <= .milliseconds(101))
  }
}

extension LookupTests {
  @Test func aCandidatesRoundIsThatOfTheFirstReplyThatToldOfIt() {
    let near = Self.contacts(3, near: .zero)
    var lookup = Lookup(target: .zero, width: 4)
    lookup.add(near[2])
    lookup.add(near[1], round: 2)
    lookup.add(near[0], round: 3)
    lookup.add(near[0], round: 2)
    #expect(near.map { lookup.round(of: $0) } == [3, 2, 1])
  }

  @Test func ofKeysThatANodeShouldHaveOnlyOneIsAskedAtOnce() throws {
    let contact = try #require(Self.contacts(1, near: .zero).first)
    let place = contact.id.bytes.words
    let close = Bytes32(words: (place.0 ^ 1, 0, 0, 0))
    let closer = Bytes32(words: (place.0, 0, 0, 0))
    let far = Bytes32(words: (~place.0, 0, 0, 0))
    let targets = [close, closer, far].sorted()
    var query = Query(id: RequestID(number: 1), goal: .find, targets: targets, width: 4)
    query.active = [0, 1, 2]
    for index in 0..<3 { query.searches[index].lookup.add(contact) }
    let first = try #require(query.index(of: close))
    let other = try #require(query.index(of: far))
    #expect(query.sharing(contact, with: first, likely: 1 << 20) == [first, other])
    #expect(query.sharing(contact, with: first, likely: 0).count == 3 - 1)
  }
}

extension Lookup {
  /// The next with as many outstanding as there are candidates.
  fileprivate func nextToAsk() -> Contact? {
    nextToAsk(Pace(parallelism: 1_000, scouts: 1_000))
  }
}
