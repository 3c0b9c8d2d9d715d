import Cryptography
import Testing
import Wire

@testable import DHT

/// One machine, spoken to by hand.
@Suite struct KademliaTests {
  var random = SplitMix64(seed: 1)
  let wall = Timestamp(1_000)
  var machine: Kademlia

  init() {
    machine = Kademlia(
      key: PublicKey(Bytes32(words: (9, 9, 9, 9))), validator: PlainRecords(), now: .zero)
  }

  mutating func receive(
    _ body: Message.Body, transaction: UInt64 = 5, from contact: Contact, isProven: Bool = true,
    isClient: Bool = false, budget: Int = 1_124, at now: Instant = .zero
  ) -> [Action] {
    machine.receive(
      Message(transaction: transaction, isClient: isClient, body: body),
      from: Origin(contact: contact, isProven: isProven, replyBudget: budget), now: now,
      wall: wall, using: &random)
  }

  /// Makes the machine know a contact, as a ping and its answer would.
  mutating func meet(_ contact: Contact) {
    for action in receive(.ping, from: contact) {
      guard case .send(let message, let to) = action, message.isRequest, to == contact else {
        continue
      }
      _ = receive(.pong(observed: nil), transaction: message.transaction, from: contact)
    }
  }

  static func requests(_ actions: [Action]) -> [(message: Message, contact: Contact)] {
    actions.compactMap {
      guard case .send(let message, let contact) = $0, message.isRequest else { return nil }
      return (message, contact)
    }
  }

  static func reply(_ actions: [Action]) -> Message.Body? {
    for case .send(let message, _) in actions where !message.isRequest { return message.body }
    return nil
  }

  mutating func record(key: Bytes32 = .zero, size: Int = 200) -> Record {
    PlainRecords.make(
      key: key, publisher: .random(using: &random), slot: .random(using: &random), size: size)
  }

  @Test mutating func onlyAVerifiedReplyOpensTheTable() {
    let contact = Contact.random(1, using: &random)
    let actions = receive(.ping, from: contact)
    #expect(Self.reply(actions) == .pong(observed: contact.address))
    #expect(machine.status.contacts == 0)
    let pings = Self.requests(actions)
    #expect(pings.count == 1)
    _ = receive(.pong(observed: nil), transaction: pings[0].message.transaction, from: contact)
    #expect(machine.status.contacts == 1)
  }

  @Test mutating func repliesToNobodysTransactionAreIgnored() {
    let contact = Contact.random(1, using: &random)
    let actions = receive(.pong(observed: nil), transaction: 77, from: contact)
    #expect(actions.isEmpty)
    #expect(machine.status.contacts == 0)
    #expect(machine.counters.repliesIgnored == 1)
  }

  @Test mutating func aReplyFromAnotherKeyOrPortIsIgnored() throws {
    let contact = Contact.random(1, using: &random)
    let ping = try #require(Self.requests(receive(.ping, from: contact)).first)
    let stranger = Contact(key: .random(using: &random), address: contact.address)
    let moved = Contact(key: contact.key, address: Address(ip: contact.address.ip, port: 9))
    for impostor in [stranger, moved] {
      _ = receive(
        .pong(observed: nil), transaction: ping.message.transaction, from: impostor)
    }
    #expect(machine.status.contacts == 0)
    #expect(machine.counters.repliesIgnored == 2)
  }

  @Test mutating func aSendersNewPortIsTakenOnceItAnswersThere() {
    let contact = Contact.random(1, using: &random)
    meet(contact)
    let moved = Contact(key: contact.key, address: Address(ip: contact.address.ip, port: 9))
    let actions = receive(.ping, from: moved)
    #expect(machine.closestContacts(to: .zero, count: 4) == [contact])
    for (message, to) in Self.requests(actions) {
      #expect(to == moved)
      _ = receive(.pong(observed: nil), transaction: message.transaction, from: moved)
    }
    #expect(machine.closestContacts(to: .zero, count: 4) == [moved])
  }

  @Test mutating func clientsStayOutOfTheTable() {
    let actions = receive(.ping, from: .random(1, using: &random), isClient: true)
    #expect(Self.requests(actions).isEmpty)
    #expect(Self.reply(actions) != nil)
  }

  @Test mutating func ourOwnDatagramsReflectedAreIgnored() {
    let own = Contact(key: machine.key, address: Address(ip: .v4(0x0A00_0001), port: 1))
    let actions = receive(.ping, from: own)
    #expect(actions.isEmpty)
  }

  @Test mutating func storingNeedsTheCookie() {
    let record = record()
    let store = Message.Body.store([EncodedRecord(kind: .statement, bytes: record.bytes)])
    let contact = Contact.random(1, using: &random)
    let unproven = receive(store, from: contact, isProven: false)
    #expect(Self.reply(unproven) == .stored([.needsCookie]))
    #expect(machine.status.records == 0)
    let proven = receive(store, from: contact)
    #expect(Self.reply(proven) == .stored([.stored]))
    #expect(machine.status.records == 1)
  }

  @Test mutating func badRecordsAreRefusedWithTheirReason() {
    let expired = PlainRecords.make(
      key: .zero, publisher: .random(using: &random), expires: Timestamp(1_000))
    let records = [
      EncodedRecord(kind: .statement, bytes: expired.bytes),
      EncodedRecord(kind: .statement, bytes: [1, 2, 3]),
      EncodedRecord(kind: .provider, bytes: [1, 2, 3]),
    ]
    let actions = receive(.store(records), from: .random(1, using: &random))
    #expect(Self.reply(actions) == .stored([.expired, .invalid, .invalid]))
    #expect(machine.counters.storesRefused[Int(StoreResult.invalid.rawValue)] == 2)
  }

  @Test mutating func aClientStoresNothing() {
    var settings = KademliaSettings()
    settings.isClient = true
    machine = Kademlia(
      key: machine.key, settings: settings, validator: PlainRecords(), now: .zero)
    let record = record()
    let actions = receive(
      .store([EncodedRecord(kind: .statement, bytes: record.bytes)]),
      from: .random(1, using: &random))
    #expect(Self.reply(actions) == .stored([.notStoring]))
  }

  @Test(arguments: [20, 100, 300, 700, 1_124])
  mutating func repliesKeepTheirBudget(budget: Int) {
    for number in 0..<60 as Range<UInt32> { meet(.random(number, using: &random)) }
    for _ in 0..<5 {
      let record = record(size: 900)
      _ = receive(
        .store([EncodedRecord(kind: .statement, bytes: record.bytes)]),
        from: .random(3, using: &random))
    }
    let asker = Contact.random(99, using: &random)
    let find = Self.reply(receive(.find([.zero]), from: asker, budget: budget))
    guard case .found(let contacts, _)? = find else {
      Issue.record("no answer to FIND")
      return
    }
    #expect(contacts.count * 44 + 37 <= max(budget, 37))
    let request = GetRequest(keys: [.zero], kind: .statement, issuers: [])
    let get = Self.reply(receive(.get(request), from: asker, budget: budget))
    guard case .got(let reply)? = get else {
      Issue.record("no answer to GET")
      return
    }
    let size = reply.records.reduce(0) { $0 + $1.count } + reply.contacts.count * 44
    #expect(size <= max(budget - 28, 0))
  }

  @Test mutating func cursorsReadEverythingOnce() {
    var stored: Set<[UInt8]> = []
    let keys = (0..<3).map { Bytes32(words: (UInt64($0), 0, 0, 0)) }
    for number in 0..<24 {
      let record = record(key: keys[number % 3], size: 400)
      stored.insert(record.bytes)
      _ = receive(
        .store([EncodedRecord(kind: .statement, bytes: record.bytes)]),
        from: .random(UInt32(number), using: &random))
    }
    var cursor: UInt64 = 0
    var read: [[UInt8]] = []
    for _ in 0..<30 {
      let request = GetRequest(keys: keys, kind: .statement, issuers: [], cursor: cursor)
      let answer = Self.reply(receive(.get(request), from: .random(99, using: &random)))
      guard case .got(let reply)? = answer else { break }
      read += reply.records
      cursor = reply.next
      if cursor == 0 { break }
    }
    #expect(read.count == stored.count)
    #expect(Set(read) == stored)
  }

  @Test mutating func aGetEndsWithTheFirstRecordThatIsAccepted() throws {
    for number in 0..<20 as Range<UInt32> { meet(.random(number, using: &random)) }
    let wanted = record()
    let other = record()
    let (id, actions) = machine.begin(
      .get(keys: [.zero], kind: .statement, issuers: []) { _, records in
        records.contains(wanted)
      }, now: .zero, wall: wall, using: &random)
    let calls = Self.requests(actions)
    #expect(calls.count == 4)
    let first = receive(
      .got(GetReply(records: [other.bytes], next: 0, contacts: [])),
      transaction: calls[0].message.transaction, from: calls[0].contact)
    #expect(Self.requests(first).count == 1)
    let second = receive(
      .got(GetReply(records: [wanted.bytes], next: 0, contacts: [])),
      transaction: calls[1].message.transaction, from: calls[1].contact)
    let found = Outcome.Found(key: .zero, records: [other, wanted], isAccepted: true, rounds: 1)
    #expect(second == [.finished(id, .records([found]))])
  }

  @Test mutating func answersToAnotherQuestionDoNotCount() {
    for number in 0..<3 as Range<UInt32> { meet(.random(number, using: &random)) }
    let issuer = PublicKey.random(using: &random)
    let elsewhere = record(key: Bytes32(words: (1, 1, 1, 1)))
    let stranger = record()
    let (_, actions) = machine.begin(
      .get(keys: [.zero], kind: .statement, issuers: [issuer.prefix]) { _, records in
        !records.isEmpty
      }, now: .zero, wall: wall, using: &random)
    for (message, contact) in Self.requests(actions) {
      let reply = GetReply(
        records: [elsewhere.bytes, stranger.bytes, [0, 1]], next: 0, contacts: [])
      _ = receive(.got(reply), transaction: message.transaction, from: contact)
    }
    #expect(machine.counters.recordsRejected == 9)
    #expect(machine.status.requestsRunning == 0)
  }

  @Test mutating func recordsFromTheFutureAreCounted() {
    meet(.random(1, using: &random))
    let early = PlainRecords.make(
      key: .zero, publisher: .random(using: &random), expires: Timestamp(9_000_000))
    let (_, actions) = machine.begin(
      .get(keys: [.zero], kind: .statement, issuers: []) { _, _ in false }, now: .zero, wall: wall,
      using: &random)
    for (message, contact) in Self.requests(actions) {
      let reply = GetReply(records: [early.bytes], next: 0, contacts: [])
      _ = receive(.got(reply), transaction: message.transaction, from: contact)
    }
    #expect(machine.counters.recordsFromTheFuture == 1)
    #expect(machine.counters.recordsRejected == 1)
  }

  @Test mutating func anEndlessCursorIsNotFollowed() {
    meet(.random(1, using: &random))
    let (_, begun) = machine.begin(
      .get(keys: [.zero], kind: .statement, issuers: []) { _, _ in false }, now: .zero,
      wall: wall, using: &random)
    var calls = Self.requests(begun)
    var rounds = 0
    while let (message, contact) = calls.popLast(), rounds < 10_000 {
      rounds += 1
      guard case .get(let request) = message.body else { break }
      // A liar: the same record again and again, always with more to come.
      let record = PlainRecords.make(key: .zero, publisher: contact.key, sequence: UInt64(rounds))
      let reply = GetReply(records: [record.bytes], next: request.cursor + 1, contacts: [])
      calls += Self.requests(
        receive(.got(reply), transaction: message.transaction, from: contact))
    }
    #expect(rounds <= Query.recordsPerKey)
    #expect(machine.status.requestsRunning == 0)
  }

  @Test mutating func contactsOfAnotherReachAreLeftOut() {
    let teller = Contact.random(at: "8.8.8.8:1", using: &random)
    meet(teller)
    let (_, actions) = machine.begin(.find(.zero), now: .zero, wall: wall, using: &random)
    guard let (message, contact) = Self.requests(actions).first else {
      Issue.record("nobody asked")
      return
    }
    let told = ["127.0.0.1:2", "10.0.0.9:1", "9.9.9.9:1"].map {
      Contact.random(at: $0, using: &random)
    }
    let next = Self.requests(
      receive(.found(told, observed: nil), transaction: message.transaction, from: contact))
    #expect(next.map(\.contact) == [told[2]])
  }

  @Test mutating func outstandingCallsAreBounded() {
    for number in 0..<40_000 as Range<UInt32> {
      _ = receive(.ping, from: .random(number, using: &random), at: .seconds(Int(number) / 100))
    }
    #expect(machine.status.callsOutstanding <= machine.settings.callLimit)
  }

  @Test mutating func silenceIsRetriedOnceAndThenGivenUp() {
    let contact = Contact.random(1, using: &random)
    let first = Self.requests(receive(.ping, from: contact))
    #expect(first.count == 1)
    var sent = 0
    var ended = false
    for _ in 0..<20 where !ended {
      let now = machine.nextDeadline
      sent += Self.requests(machine.tick(now: now, wall: wall, using: &random)).count
      ended = machine.status.callsOutstanding == 0
    }
    #expect(sent == 1)
    #expect(ended)
    #expect(machine.counters.timeouts == 1)
  }

  @Test mutating func aCancelledRequestEndsUnheard() {
    for number in 0..<20 as Range<UInt32> { meet(.random(number, using: &random)) }
    let (id, actions) = machine.begin(.find(.zero), now: .zero, wall: wall, using: &random)
    machine.cancel(id)
    for (message, contact) in Self.requests(actions) {
      let left = receive(
        .found([], observed: nil), transaction: message.transaction, from: contact)
      #expect(left.isEmpty)
    }
  }

  @Test mutating func theMostObserversNameOurAddress() throws {
    let ours = try #require(Address("192.0.2.7:7782"))
    let lie = try #require(Address("192.0.2.8:1"))
    for (number, address) in [ours, lie, ours].enumerated() {
      let contact = Contact.random(UInt32(number), using: &random)
      let ping = try #require(Self.requests(receive(.ping, from: contact)).first)
      _ = receive(
        .pong(observed: address), transaction: ping.message.transaction, from: contact)
    }
    #expect(machine.observedAddress == ours)
  }
}
