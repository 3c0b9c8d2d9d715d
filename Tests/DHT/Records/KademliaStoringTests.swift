import Cryptography
import Testing
import Wire

@testable import DHT

/// What one machine keeps, and what it hands on when it goes.
@Suite struct KademliaStoringTests {
  var random = SplitMix64(seed: 8)
  let wall = Timestamp(1_000)

  /// A machine that knows `count` nodes; those are returned too.
  mutating func machine(
    knowing count: UInt32, _ change: (inout KademliaSettings) -> Void = { _ in }
  ) -> (Kademlia, [Contact]) {
    var settings = KademliaSettings()
    change(&settings)
    var machine = Kademlia(
      key: .random(using: &random), settings: settings, validator: PlainRecords(), now: .zero)
    var contacts: [Contact] = []
    for number in 0..<count {
      let contact = Contact.random(number + 1, using: &random)
      _ = machine.table.answered(contact, roundTrip: .milliseconds(50), now: .zero)
      contacts.append(contact)
    }
    return (machine, contacts)
  }

  mutating func record(key: Bytes32, by issuer: PublicKey, kind: RecordKind = .statement) -> Record
  {
    PlainRecords.make(key: key, kind: kind, publisher: issuer, slot: .random(using: &random))
  }

  mutating func store(_ record: Record, at machine: inout Kademlia, by contact: Contact)
    -> StoreResult?
  {
    let actions = machine.receive(
      Message(
        transaction: 1, isClient: false,
        body: .store([EncodedRecord(kind: record.kind, bytes: record.bytes)])),
      from: Origin(contact: contact, isProven: true, replyBudget: 1_124), now: .seconds(60),
      wall: wall, using: &random)
    guard case .stored(let results)? = KademliaTests.reply(actions) else { return nil }
    return results.first
  }

  @Test mutating func onlyASeederKeepsFarStatementsAndOnlyOfTrustedIssuers() {
    let issuer = PublicKey.random(using: &random)
    let stranger = PublicKey.random(using: &random)
    for isSeeder in [false, true] {
      var (machine, contacts) = machine(knowing: 600) { $0.keepsTrustedFromAfar = isSeeder }
      machine.trustedIssuers = [issuer]
      // The farthest key that there is.
      let words = machine.id.bytes.words
      let far = Bytes32(words: (~words.0, ~words.1, ~words.2, ~words.3))
      let trusted = record(key: far, by: issuer)
      let foreign = record(key: far, by: stranger)
      let provider = record(key: far, by: issuer, kind: .provider)
      #expect(
        store(trusted, at: &machine, by: contacts[0]) == (isSeeder ? .stored : .tooFar))
      #expect(store(foreign, at: &machine, by: contacts[0]) == .tooFar)
      #expect(store(provider, at: &machine, by: contacts[0]) == .tooFar)
      // What is near is anybody's.
      let near = record(key: machine.id.bytes, by: stranger)
      #expect(store(near, at: &machine, by: contacts[0]) == .stored)
    }
  }

  @Test mutating func whoGoesGivesItsRecordsToThoseThatLackThem() throws {
    var (machine, contacts) = machine(knowing: 10)
    let kept = record(key: .random(using: &random), by: .random(using: &random))
    #expect(store(kept, at: &machine, by: contacts[0]) == .stored)
    let goodbye = KademliaTests.requests(
      machine.leave(now: .seconds(90), wall: wall, using: &random)
    ).filter { $0.message.body != .ping }
    #expect(Set(goodbye.map(\.contact)) == Set(contacts))
    #expect(goodbye.allSatisfy { $0.message.body == .have([kept.digest]) })
    let first = try #require(goodbye.first)
    let given = machine.receive(
      Message(transaction: first.message.transaction, isClient: false, body: .lacking([0])),
      from: Origin(contact: first.contact, isProven: true, replyBudget: 1_124),
      now: .seconds(91), wall: wall, using: &random)
    let stores = KademliaTests.requests(given)
    #expect(
      stores.map(\.message.body) == [
        .store([EncodedRecord(kind: .statement, bytes: kept.bytes)])
      ])
    #expect(stores.first?.contact == first.contact)
  }

  @Test mutating func aClientHasNothingToHandOn() {
    var (machine, _) = machine(knowing: 10) { $0.isClient = true }
    #expect(machine.leave(now: .seconds(90), wall: wall, using: &random).isEmpty)
  }

  @Test mutating func whoAnswersNearTheKeyGetsTheRecordBeforeTheSearchEnds() throws {
    var (machine, contacts) = machine(knowing: 600)
    _ = machine.tick(now: .seconds(30), wall: wall, using: &random)
    let key = Bytes32.random(using: &random)
    let wanted = record(key: key, by: .random(using: &random))
    let (id, actions) = machine.begin(
      .put([wanted]), now: .seconds(31), wall: wall, using: &random)
    let nearest = contacts.min { $0.id.bytes ^ key < $1.id.bytes ^ key }
    let asked = KademliaTests.requests(actions)
    let question = try #require(asked.first { $0.contact == nearest })
    let next = machine.receive(
      Message(
        transaction: question.message.transaction, isClient: false,
        body: .found([], observed: nil)),
      from: Origin(contact: question.contact, isProven: true, replyBudget: 1_124),
      now: .seconds(31) + .milliseconds(50), wall: wall, using: &random)
    let early = KademliaTests.requests(next).filter {
      $0.message.body == .store([EncodedRecord(kind: .statement, bytes: wanted.bytes)])
    }
    #expect(early.map(\.contact) == [question.contact])
    #expect(machine.queries[id] != nil)
  }
}
