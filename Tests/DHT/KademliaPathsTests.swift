import Cryptography
import Testing
import Wire

@testable import DHT

/// How many ways a search goes, and how long it waits on each.
@Suite struct KademliaPathsTests {
  var random = SplitMix64(seed: 5)
  let wall = Timestamp(1_000)

  /// A machine that knows contacts by a round trip of 50 ms.
  mutating func machine(contacts count: Int) -> (machine: Kademlia, contacts: [Contact]) {
    var machine = Kademlia(
      key: PublicKey(Bytes32(words: (9, 9, 9, 9))), validator: PlainRecords(), now: .zero)
    var contacts: [Contact] = []
    for number in 0..<count {
      let contact = Contact.random(UInt32(number), using: &random)
      _ = machine.table.answered(contact, roundTrip: .milliseconds(50), now: .zero)
      contacts.append(contact)
    }
    return (machine, contacts)
  }

  mutating func begin(_ request: Request, at machine: inout Kademlia) -> (RequestID, [Action]) {
    machine.begin(request, now: .zero, wall: wall, using: &random)
  }

  mutating func answer(
    _ message: Message, with body: Message.Body, from contact: Contact, at now: Instant = .zero,
    to machine: inout Kademlia
  ) -> [Action] {
    machine.receive(
      Message(transaction: message.transaction, isClient: false, body: body),
      from: Origin(contact: contact, isProven: false, replyBudget: 1_000), now: now, wall: wall,
      using: &random)
  }

  /// Contacts nearer to zero than any honest one, who name each other only.
  mutating func liars(_ count: Int) -> [Contact] {
    (0..<count).map { number in
      let noise = Bytes32.random(using: &random)
      let words = (UInt64(number), noise.words.1, noise.words.2, noise.words.3)
      return Contact(
        key: .random(using: &random), id: NodeID(Bytes32(words: words)),
        address: Address(ip: .v4(0x0A01_0000 + UInt32(number)), port: 1))
    }
  }

  @Test mutating func liarsCannotKeepAnHonestContactFromBeingAsked() {
    var (machine, _) = machine(contacts: 300)
    _ = machine.estimatedSize(now: .zero)
    let seeds = machine.table.closest(to: .zero, count: 16)
    let ring = liars(24)
    let record = PlainRecords.make(
      key: .zero, publisher: .random(using: &random), slot: .random(using: &random))
    // Only the farthest of those whom we know near the key is honest.
    let honest = seeds[15]
    var (id, actions) = begin(
      .get(keys: [.zero], kind: .statement, issuers: [], accept: { !$1.isEmpty }), at: &machine)
    var isFound = false
    for _ in 0..<200 where !actions.isEmpty {
      var next: [Action] = []
      for (message, contact) in KademliaTests.requests(actions) {
        let reply =
          contact == honest
          ? GetReply(records: [record.bytes], next: 0, contacts: [])
          : GetReply(records: [], next: 0, contacts: ring)
        next += answer(message, with: .got(reply), from: contact, to: &machine)
      }
      for case .finished(id, .records(let found)) in next { isFound = found[0].isAccepted }
      actions = next
    }
    #expect(isFound)
  }

  @Test mutating func aPutIsGivenToWhomOnlyAnHonestContactNames() {
    var (machine, _) = machine(contacts: 300)
    _ = machine.estimatedSize(now: .zero)
    let seeds = machine.table.closest(to: .zero, count: 16)
    let ring = liars(24)
    // Nearer than any contact of ours and farther than the ring.
    let named = Contact(
      key: .random(using: &random), id: NodeID(Bytes32(words: (1 << 40, 0, 0, 0))),
      address: Address(ip: .v4(0x0A02_0000), port: 1))
    let record = PlainRecords.make(
      key: .zero, publisher: .random(using: &random), slot: .random(using: &random))
    var (_, actions) = begin(.put([record]), at: &machine)
    var isGiven = false
    for _ in 0..<200 where !actions.isEmpty {
      var next: [Action] = []
      for (message, contact) in KademliaTests.requests(actions) {
        if case .store = message.body {
          isGiven = isGiven || contact == named
          next += answer(message, with: .stored([.stored]), from: contact, to: &machine)
          continue
        }
        let told = contact == seeds[15] ? [named] : contact == named ? [] : ring
        next += answer(
          message, with: .found(told, observed: nil), from: contact, to: &machine)
      }
      actions = next
    }
    #expect(isGiven)
  }

  @Test mutating func aGetDoesNotWaitForTheDeadLongerThanThreeTimesTheirUsual() {
    var (machine, contacts) = machine(contacts: 12)
    var (id, actions) = begin(
      .get(keys: [.zero], kind: .statement, issuers: [], accept: { !$1.isEmpty }), at: &machine)
    var now = Instant.zero
    var end: Instant?
    for _ in 0..<200 where end == nil {
      for (message, contact) in KademliaTests.requests(actions) where contact != contacts[0] {
        let reply = GetReply(records: [], next: 0, contacts: [])
        actions += answer(message, with: .got(reply), from: contact, at: now, to: &machine)
      }
      if actions.contains(where: {
        if case .finished(id, _) = $0 { true } else { false }
      }) {
        end = now
        break
      }
      now = max(now, machine.nextDeadline)
      actions = machine.tick(now: now, wall: wall, using: &random)
    }
    #expect(end ?? .seconds(60) <= .zero + .milliseconds(450))
    // One silence of that length says nothing against the node.
    #expect(machine.counters.timeouts == 0)
    #expect(machine.status.liveContacts == 12)
  }

  @Test mutating func ofManyKeysEachIsAskedAtOneNodeThatShouldHaveIt() {
    var (machine, _) = machine(contacts: 16)
    var keys: [Bytes32] = []
    for _ in 0..<40 { keys.append(.random(using: &random)) }
    let (_, actions) = begin(
      .get(keys: keys, kind: .statement, issuers: [], accept: { !$1.isEmpty }), at: &machine)
    // A network of 16: half of the id space is near. Other keys may ride along to nodes far from them.
    var asked: [Bytes32: Int] = [:]
    for (message, contact) in KademliaTests.requests(actions) {
      guard case .get(let request) = message.body else { continue }
      for key in request.keys where (contact.id.bytes ^ key).leadingZeroBitCount > 0 {
        asked[key, default: 0] += 1
      }
    }
    #expect(asked.count == 40)
    #expect(asked.values.allSatisfy { $0 == 1 })
  }
}
