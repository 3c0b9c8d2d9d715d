import Testing
import Wire

@testable import DHT

/// The contacts that were given up, for a way back.
@Suite struct DepartedTests {
  var random = SplitMix64(seed: 3)

  mutating func contacts(_ count: UInt32) -> [Contact] {
    (0..<count).map { Contact.random($0 + 1, using: &random) }
  }

  @Test func nobodyDepartedGivesNobody() {
    var departed = Departed()
    #expect(departed.next() == nil)
  }

  @Test mutating func eachHasItsTurn() {
    var departed = Departed()
    let all = contacts(5)
    for contact in all { departed.add(contact) }
    departed.add(all[2])
    var seen: Set<Contact> = []
    for _ in all { if let next = departed.next() { seen.insert(next) } }
    #expect(seen == Set(all))
  }

  @Test mutating func theLongestRememberedGivesWay() {
    var departed = Departed()
    let all = contacts(30)
    for contact in all { departed.add(contact) }
    var seen: Set<Contact> = []
    for _ in 0..<60 { if let next = departed.next() { seen.insert(next) } }
    #expect(seen == Set(all.suffix(24)))
  }

  @Test mutating func whoIsBackIsForgottenAtAnyAddress() {
    var departed = Departed()
    let all = contacts(2)
    for contact in all { departed.add(contact) }
    _ = departed.next()
    departed.remove(
      Contact(key: all[1].key, address: Address(ip: .v4(0x0A00_0063), port: 9)))
    #expect(departed.next() == all[0])
    departed.remove(all[0])
    #expect(departed.next() == nil)
  }
}
