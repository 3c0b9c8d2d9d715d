import Cryptography
import Testing
import Wire

@testable import DHT

/// REACH and PUNCH at one machine, spoken to by hand from global addresses.
@Suite struct KademliaReachingTests {
  var random = SplitMix64(seed: 3)
  var machine: Kademlia

  init() {
    machine = Self.machine(provesReach: false)
  }

  static func machine(provesReach: Bool) -> Kademlia {
    var settings = KademliaSettings()
    settings.provesReach = provesReach
    return Kademlia(
      key: PublicKey(Bytes32(words: (9, 9, 9, 9))), settings: settings, validator: PlainRecords(),
      now: .zero)
  }

  mutating func receive(
    _ body: Message.Body, transaction: UInt64 = 5, from contact: Contact, isProven: Bool = true,
    isClient: Bool = false, at now: Instant = .zero
  ) -> [(message: Message, contact: Contact)] {
    let actions = machine.receive(
      Message(transaction: transaction, isClient: isClient, body: body),
      from: Origin(contact: contact, isProven: isProven, replyBudget: 1_100), now: now,
      wall: Timestamp(1_000), using: &random)
    return actions.compactMap {
      guard case .send(let message, let to) = $0 else { return nil }
      return (message, to)
    }
  }

  /// Makes the machine know a server at a global address.
  @discardableResult
  mutating func meet(_ text: String, at now: Instant = .zero) -> Contact {
    let contact = Contact.random(at: text, using: &random)
    for (message, to) in receive(.ping, from: contact, at: now) where message.isRequest {
      if to == contact {
        _ = receive(
          .pong(observed: nil), transaction: message.transaction, from: contact, at: now)
      }
    }
    return contact
  }

  @Test mutating func reachIsPassedOnToAnotherNetwork() throws {
    let server = meet("5.1.1.1:1")
    let asker = Contact.random(at: "80.1.1.1:1", using: &random)
    let sent = receive(.reach(nil, isLater: false), from: asker, isClient: true)
    let passed = try #require(sent.first { $0.message.isRequest })
    #expect(passed.contact == server)
    #expect(passed.message.body == .reach(asker, isLater: false))
    #expect(sent.contains { $0.message.body == .reaching(isAsked: true) && $0.contact == asker })
    // The same one again within seconds is refused.
    let again = receive(.reach(nil, isLater: false), from: asker, isClient: true)
    #expect(again.map(\.message.body) == [.reaching(isAsked: false)])
  }

  @Test mutating func whoRefusesIsAskedOnceMoreWithTheCookieThatItBrought() throws {
    meet("5.1.1.1:1")
    let asker = Contact.random(at: "80.1.1.1:1", using: &random)
    let sent = receive(.reach(nil, isLater: false), from: asker, isClient: true)
    var passed = try #require(sent.first { $0.message.isRequest })
    for isLast in [false, true] {
      let next = receive(
        .reaching(isAsked: false), transaction: passed.message.transaction, from: passed.contact)
      #expect(next.map(\.message.body) == (isLast ? [] : [.reach(asker, isLater: false)]))
      if let again = next.first { passed = again }
    }
  }

  @Test mutating func reachWithoutAProvenAddressIsRefused() {
    meet("5.1.1.1:1")
    let asker = Contact.random(at: "80.1.1.1:1", using: &random)
    let sent = receive(.reach(nil, isLater: false), from: asker, isProven: false, isClient: true)
    #expect(sent.map(\.message.body) == [.reaching(isAsked: false)])
  }

  @Test mutating func onlyAKnownServerMayNameSomebodyToWriteTo() {
    let server = meet("5.1.1.1:1")
    let stranger = Contact.random(at: "9.1.1.1:1", using: &random)
    let target = Contact.random(at: "80.1.1.1:1", using: &random)
    let refused = receive(.reach(target, isLater: false), from: stranger, isClient: true)
    #expect(refused.map(\.message.body) == [.reaching(isAsked: false)])
    let sent = receive(.reach(target, isLater: false), from: server)
    #expect(sent.contains { $0.message.body == .ping && $0.contact == target })
    // Once is enough: nobody can be flooded through us.
    let again = receive(.reach(target, isLater: false), from: server)
    #expect(again.map(\.message.body) == [.reaching(isAsked: false)])
  }

  @Test mutating func reachLaterIsDialledWhenNATsHaveForgotten() {
    meet("5.1.1.1:1")
    let asker = Contact.random(at: "80.1.1.1:1", using: &random)
    _ = receive(.reach(nil, isLater: true), from: asker, isClient: true)
    func dials(at now: Instant) -> Int {
      machine.tick(now: now, wall: Timestamp(1_000), using: &random).count {
        if case .send(_, let to) = $0 { to == asker } else { false }
      }
    }
    let early = dials(at: .zero + Reach.dialDelay - .seconds(1))
    #expect(early == 0)
    let due = dials(at: .zero + Reach.dialDelay + .seconds(1))
    #expect(due == 1)
  }

  @Test mutating func aYoungNodeIsAClientOnTheInternetOnly() {
    machine = Self.machine(provesReach: true)
    let far = Contact.random(at: "5.1.1.1:1", using: &random)
    let near = Contact.random(at: "192.168.1.4:1", using: &random)
    machine.reach.wrote(to: far.address, now: .zero)
    let first = receive(.ping, from: far, isClient: true)
    #expect(first.allSatisfy { $0.message.isClient })
    let second = receive(.ping, from: near, isClient: true)
    #expect(second.allSatisfy { !$0.message.isClient })
    #expect(!machine.status.isServer)
    machine.serveAlways()
    let third = receive(.ping, from: far, isClient: true)
    #expect(third.allSatisfy { !$0.message.isClient })
    #expect(machine.status.isServer)
  }

  @Test mutating func whoIsReachedServes() {
    machine = Self.machine(provesReach: true)
    let far = Contact.random(at: "5.1.1.1:1", using: &random)
    let sent = receive(.ping, from: far, at: .seconds(1_000))
    #expect(!sent.isEmpty && sent.allSatisfy { !$0.message.isClient })
  }

  @Test mutating func whoBecomesAClientLeavesTheTable() {
    let server = meet("5.1.1.1:1")
    #expect(machine.status.contacts == 1)
    _ = receive(.ping, from: server, isProven: false, isClient: true)
    #expect(machine.status.contacts == 1)
    _ = receive(.ping, from: server, isClient: true)
    #expect(machine.status.contacts == 0)
  }

  @Test mutating func punchIsToldToGuestsOnlyAndAtTheirProvenAddress() throws {
    let asker = Contact.random(at: "80.1.1.1:1", using: &random)
    let guest = Contact.random(at: "90.1.1.1:1", using: &random)
    let wish = PunchRequest(peer: guest.key, address: nil, roundTrip: .milliseconds(80))
    let first = receive(.punch(wish), from: asker, isClient: true)
    #expect(first.map(\.message.body) == [.punching(nil)])
    _ = receive(.ping, from: guest, isProven: false, isClient: true)
    let second = receive(.punch(wish), from: asker, isClient: true)
    #expect(second.map(\.message.body) == [.punching(nil)])
    _ = receive(.ping, from: guest, isClient: true)
    let sent = receive(.punch(wish), from: asker, isClient: true)
    let told = try #require(sent.first { $0.message.isRequest })
    #expect(told.contact == guest)
    let expected = PunchRequest(peer: asker.key, address: asker.address, roundTrip: wish.roundTrip)
    #expect(told.message.body == .punch(expected))
    #expect(sent.contains { $0.message.body == .punching(guest.address) && $0.contact == asker })
    // Who asks again at once, and who asks after the guest fell silent, gets nothing.
    let again = receive(.punch(wish), from: asker, isClient: true, at: .seconds(1))
    #expect(again.map(\.message.body) == [.punching(nil)])
    let late = receive(.punch(wish), from: asker, isClient: true, at: .seconds(200))
    #expect(late.map(\.message.body) == [.punching(nil)])
  }

  @Test mutating func aClientFiresThreeTimesAtTheWordOfItsOwnServersOnly() {
    let server = meet("5.1.1.1:1")
    machine.provesReach = true
    let target = Contact.random(at: "80.1.1.1:1", using: &random)
    let wish = PunchRequest(
      peer: target.key, address: target.address, roundTrip: .milliseconds(80))
    let stranger = Contact.random(at: "9.1.1.1:1", using: &random)
    _ = receive(.punch(wish), from: stranger, isClient: true)
    #expect(machine.punches.isEmpty)
    _ = receive(.punch(wish), from: server, at: .seconds(1))
    #expect(machine.punches.count == 1)
    var fired = 0
    for step in 0..<400 {
      let actions = machine.tick(
        now: .seconds(1) + .milliseconds(10 * step), wall: Timestamp(1_000), using: &random)
      for case .send(let message, let to) in actions where to == target {
        #expect(message.body == .ping)
        fired += 1
      }
    }
    #expect(fired == 3)
    #expect(machine.punches.isEmpty)
  }

  @Test mutating func thePeersPingIsAnsweredByOneOfOursAtOnce() {
    let server = meet("5.1.1.1:1")
    machine.provesReach = true
    let target = Contact.random(at: "80.1.1.1:1", using: &random)
    let wish = PunchRequest(peer: target.key, address: target.address, roundTrip: .zero)
    _ = receive(.punch(wish), from: server, at: .seconds(1))
    _ = machine.tick(now: .seconds(1), wall: Timestamp(1_000), using: &random)
    // From the address that was told, or from another port; a flood gets no more than four.
    var pings = 0
    for number in 0..<10 {
      let sent = receive(
        .ping, transaction: UInt64(100 + number), from: target, isClient: true, at: .seconds(1))
      pings += sent.count { $0.message.body == .ping && $0.contact == target }
    }
    #expect(pings == 4)
  }

  @Test mutating func whoWantsManyIsNotHeldUpByTheFirst() {
    let asker = Contact.random(at: "80.1.1.1:1", using: &random)
    for number in 1...3 {
      let guest = Contact.random(at: "90.1.1.\(number):1", using: &random)
      _ = receive(.ping, from: guest, isClient: true)
      let wish = PunchRequest(peer: guest.key, address: nil, roundTrip: .zero)
      let sent = receive(.punch(wish), from: asker, isClient: true)
      #expect(sent.contains { $0.message.body == .punching(guest.address) })
      let again = receive(.punch(wish), from: asker, isClient: true)
      #expect(again.map(\.message.body) == [.punching(nil)])
    }
  }

  @Test mutating func aYoungNodeKeepsOneWayOpen() {
    for number in 1...4 { meet("5.\(number).1.1:1") }
    machine.provesReach = true
    func pinged(at now: Instant) -> Int {
      var step = Step(now: now, wall: Timestamp(1_000), using: &random)
      machine.keepRendezvous(&step)
      return step.actions.count {
        if case .send(let message, _) = $0 { message.body == .ping } else { false }
      }
    }
    #expect(pinged(at: .seconds(5)) == 0)
    #expect(pinged(at: .seconds(30)) == 1)
    #expect(pinged(at: .seconds(2_000)) == 3)
  }

  @Test mutating func guestsAreBoundedAndOneAddressHoldsFew() {
    var guests = Guests()
    for number in 0..<100 {
      guests.add(.random(at: "80.1.1.1:\(number + 1)", using: &random), now: .zero)
    }
    #expect(guests.count == 16)
    for number in 0..<400 {
      guests.add(.random(at: "81.1.\(number / 200).\(number % 200):1", using: &random), now: .zero)
    }
    #expect(guests.count == 256)
    let late = Contact.random(at: "82.1.1.1:1", using: &random)
    guests.add(late, now: .seconds(101))
    #expect(guests.contact(of: late.key, now: .seconds(101)) == late)
    #expect(guests.count == 1)
  }

  @Test func forwardingIsBoundedInAllAndForEachParty() {
    var limit = ForwardingLimit(rate: 2, burst: 4, span: .seconds(3))
    let ips = (0..<10).map { IPAddress.v4(0x0500_0000 + UInt32($0)) }
    var admitted: [Int] = []
    for second in [100, 101, 107] {
      var count = 0
      for ip in ips where limit.admits(ip, now: .seconds(second)) { count += 1 }
      admitted.append(count)
    }
    // Four at once, then two a second, none of them for one that had its turn; later all over again.
    #expect(admitted == [4, 2, 4])
    let isAdmitted = limit.admits(ips[0], now: .seconds(108))
    #expect(!isAdmitted)
  }
}
