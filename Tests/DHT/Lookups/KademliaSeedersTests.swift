import Cryptography
import Testing
import Wire

@testable import DHT

/// Seeders beside the peers.
@Suite struct KademliaSeedersTests {
  var random = SplitMix64(seed: 3)
  let wall = Timestamp(1_000)

  /// A machine that knows some contacts and seeders that are none of them.
  mutating func machine(
    _ scope: LookupScope, contacts: Int = 40, seeders: Int = 3
  ) -> (machine: Kademlia, seeders: [Contact]) {
    var settings = KademliaSettings()
    settings.lookup = scope
    var machine = Kademlia(
      key: PublicKey(Bytes32(words: (9, 9, 9, 9))), settings: settings, validator: PlainRecords(),
      now: .zero)
    for number in 0..<contacts {
      let contact = Contact.random(UInt32(number), using: &random)
      _ = machine.table.answered(contact, roundTrip: .milliseconds(50), now: .zero)
    }
    var chosen: [Contact] = []
    for number in 0..<seeders {
      chosen.append(.random(UInt32(1_000 + number), using: &random))
    }
    machine.setSeeders(chosen)
    return (machine, chosen)
  }

  mutating func get(_ keys: [Bytes32], at machine: inout Kademlia) -> (RequestID, [Action]) {
    machine.begin(
      .get(keys: keys, kind: .statement, issuers: [], accept: { !$1.isEmpty }), now: .zero,
      wall: wall, using: &random)
  }

  @Test mutating func twoSeedersAreAskedBesideThePeers() {
    var (machine, seeders) = machine(.all)
    let (_, actions) = get([.zero], at: &machine)
    let asked = KademliaTests.requests(actions).map(\.contact)
    #expect(asked.filter { seeders.contains($0) } == Array(seeders.prefix(2)))
    #expect(asked.count == 2 + machine.settings.parallelism)
  }

  @Test mutating func aSeedersAnswerEndsTheSearch() throws {
    var (machine, seeders) = machine(.all)
    let record = PlainRecords.make(
      key: .zero, publisher: .random(using: &random), slot: .random(using: &random))
    let (id, actions) = get([.zero], at: &machine)
    let sent = try #require(
      KademliaTests.requests(actions).first { $0.contact == seeders[0] }?.message)
    let reply = Message(
      transaction: sent.transaction, isClient: false,
      body: .got(GetReply(records: [record.bytes], next: 0, contacts: [])))
    let end = machine.receive(
      reply, from: Origin(contact: seeders[0], isProven: false, replyBudget: 1_000),
      now: .zero + .milliseconds(20), wall: wall, using: &random)
    let found = Outcome.Found(key: .zero, records: [record], isAccepted: true, rounds: 1)
    #expect(end.contains(.finished(id, .records([found]))))
  }

  @Test mutating func peersOnlyMeansNoSeeders() {
    var (machine, seeders) = machine(.peersOnly)
    let (_, actions) = get([.zero], at: &machine)
    #expect(!KademliaTests.requests(actions).contains { seeders.contains($0.contact) })
  }

  @Test mutating func seedersOnlyMeansNobodyElse() throws {
    var (machine, seeders) = machine(.seedersOnly)
    let (id, actions) = get([.zero], at: &machine)
    let sent = KademliaTests.requests(actions)
    #expect(sent.map(\.contact) == Array(seeders.prefix(2)))
    // Whom the seeders name is not asked.
    var rest: [Action] = []
    for (message, seeder) in sent {
      let reply = GetReply(records: [], next: 0, contacts: [.random(77, using: &random)])
      rest += machine.receive(
        Message(transaction: message.transaction, isClient: false, body: .got(reply)),
        from: Origin(contact: seeder, isProven: false, replyBudget: 1_000),
        now: .zero + .milliseconds(20), wall: wall, using: &random)
    }
    #expect(KademliaTests.requests(rest).isEmpty)
    let nothing = Outcome.Found(key: .zero, records: [], isAccepted: false, rounds: 1)
    #expect(rest == [.finished(id, .records([nothing]))])
  }

  @Test mutating func manyKeysAreDealtOutAmongTheSeeders() {
    var (machine, seeders) = machine(.all)
    var keys: [Bytes32] = []
    for _ in 0..<60 { keys.append(.random(using: &random)) }
    let (_, actions) = get(keys, at: &machine)
    var asked: [Bytes32: Int] = [:]
    for (message, contact) in KademliaTests.requests(actions) where seeders.contains(contact) {
      guard case .get(let request) = message.body else { continue }
      #expect(request.keys.count <= Limits.keysPerRequest)
      for key in request.keys { asked[key, default: 0] += 1 }
    }
    #expect(asked.count == 60)
    #expect(asked.values.allSatisfy { $0 == 1 })
  }

  @Test mutating func aSeederFoundDeadIsNotAskedForAWhile() {
    var (machine, seeders) = machine(.all)
    machine.fallen.add(seeders[0], now: .zero)
    #expect(machine.seedersToAsk() == Array(seeders[1...2]))
  }

  @Test mutating func theQuickerSeederComesFirst() {
    var (machine, seeders) = machine(.all)
    _ = machine.table.answered(seeders[2], roundTrip: .milliseconds(90), now: .zero)
    _ = machine.table.answered(seeders[1], roundTrip: .milliseconds(10), now: .zero)
    #expect(machine.seedersToAsk() == [seeders[1], seeders[2]])
  }

  @Test mutating func statementsArePutAtSeedersToo() {
    for scope in [LookupScope.all, .peersOnly] {
      var (machine, seeders) = machine(scope, contacts: 4)
      let statement = PlainRecords.make(
        key: .zero, publisher: .random(using: &random), slot: .random(using: &random))
      var actions = machine.begin(.put([statement]), now: .zero, wall: wall, using: &random).1
      var stores: Set<Contact> = []
      for _ in 0..<50 where !actions.isEmpty {
        var next: [Action] = []
        for (message, contact) in KademliaTests.requests(actions) {
          if case .store = message.body { stores.insert(contact) }
          let body: Message.Body =
            if case .store = message.body { .stored([.stored]) } else {
              .found([], observed: nil)
            }
          next += machine.receive(
            Message(transaction: message.transaction, isClient: false, body: body),
            from: Origin(contact: contact, isProven: false, replyBudget: 1_000), now: .zero,
            wall: wall, using: &random)
        }
        actions = next
      }
      #expect(stores.count == (scope == .all ? 6 : 4))
      #expect(seeders.prefix(2).allSatisfy { stores.contains($0) } == (scope == .all))
    }
  }
}
