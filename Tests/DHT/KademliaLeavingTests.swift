import Cryptography
import Testing
import Wire

@testable import DHT

/// How a node goes, and what others make of it.
extension KademliaTests {
  @Test mutating func whoLeavesTellsItsContactsUntilACookieProvesIt() throws {
    let contact = Contact.random(1, using: &random)
    meet(contact)
    let told = Self.requests(machine.leave(now: .zero, wall: wall, using: &random))
    let first = try #require(told.first)
    #expect(told.count == 1)
    #expect(first.contact == contact)
    #expect(first.message.isClient)
    #expect(!machine.hasLeft)
    // The answer brought a cookie: now it is believed.
    let again = Self.requests(
      receive(
        .pong(observed: nil), transaction: first.message.transaction, from: contact))
    let second = try #require(again.first)
    #expect(second.message.isClient)
    #expect(!machine.hasLeft)
    let rest = receive(
      .pong(observed: nil), transaction: second.message.transaction, from: contact)
    #expect(rest.isEmpty)
    #expect(machine.hasLeft)
    #expect(machine.leave(now: .zero, wall: wall, using: &random).isEmpty)
  }

  @Test mutating func whoIsSilentKeepsNobodyFromLeaving() {
    for number in 0..<20 as Range<UInt32> { meet(.random(number, using: &random)) }
    _ = machine.leave(now: .zero, wall: wall, using: &random)
    for _ in 0..<200 where !machine.hasLeft {
      _ = machine.tick(now: machine.nextDeadline, wall: wall, using: &random)
    }
    #expect(machine.hasLeft)
  }

  @Test mutating func whoHasLeftIsForgottenAtOnceAndHearsayOfItCostsNothing() throws {
    let (gone, teller) = (
      Contact.random(1, using: &random), Contact.random(2, using: &random)
    )
    meet(gone)
    meet(teller)
    // Without a cookie it may be a replay.
    _ = receive(.ping, from: gone, isProven: false, isClient: true)
    #expect(machine.status.contacts == 2)
    _ = receive(.ping, from: gone, isClient: true)
    #expect(machine.status.contacts == 1)
    let (_, actions) = machine.begin(.find(gone.id.bytes), now: .zero, wall: wall, using: &random)
    let find = try #require(Self.requests(actions).first)
    let asked = Self.requests(
      receive(
        .found([gone], observed: nil), transaction: find.message.transaction, from: teller))
    #expect(!asked.contains { $0.contact == gone })
    // It is back.
    meet(gone)
    #expect(machine.status.contacts == 2)
  }

  @Test mutating func whoLeavesServesNobodyAnyMore() {
    let contact = Contact.random(1, using: &random)
    meet(contact)
    _ = machine.leave(now: .zero, wall: wall, using: &random)
    let record = record()
    let actions = receive(
      .store([EncodedRecord(kind: .statement, bytes: record.bytes)]), from: contact)
    #expect(Self.reply(actions) == .stored([.notStoring]))
    for case .send(let message, _) in actions { #expect(message.isClient) }
  }
}
