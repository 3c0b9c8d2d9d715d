import Cryptography
import Testing
import Wire

@testable import DHT

/// Attempts to reach a client, at the node that begins them.
extension KademliaReachingTests {
  /// Begins an attempt at a machine that knows these servers, up to where they are asked for PUNCH;
  /// the request and what was sent to whom.
  mutating func beginPunch(
    _ peer: PublicKey, through servers: [Contact]
  ) -> (id: RequestID, asked: [(message: Message, contact: Contact)]) {
    let (id, actions) = machine.begin(
      .punch(peer), now: .zero, wall: Timestamp(1_000), using: &random)
    var asked: [(message: Message, contact: Contact)] = []
    for (message, contact) in KademliaTests.requests(actions) {
      asked += receive(
        .found([], observed: nil), transaction: message.transaction, from: contact)
    }
    return (
      id,
      asked.filter {
        guard case .punch = $0.message.body else { return false }
        return true
      }
    )
  }

  @Test mutating func aPunchWhosePeerWritesFirstEndsAndLeavesNothing() throws {
    let servers = [meet("5.1.1.1:1"), meet("6.1.1.1:1")]
    let peer = Contact.random(at: "80.1.1.1:99", using: &random)
    let (id, asked) = beginPunch(peer.key, through: servers)
    #expect(asked.count == 2)
    #expect(machine.punches.count == 1)
    // The peer heard first and has fired.
    let sent = receive(.ping, from: peer, isProven: false, isClient: true)
    let ping = try #require(sent.first { $0.message.isRequest && $0.contact == peer }?.message)
    let pong = Message(transaction: ping.transaction, isClient: true, body: .pong(observed: nil))
    let end = machine.receive(
      pong, from: Origin(contact: peer, isProven: true, replyBudget: 1_000),
      now: .zero + .milliseconds(50), wall: Timestamp(1_000), using: &random)
    #expect(end.contains(.finished(id, .contacts([peer]))))
    #expect(machine.punches.isEmpty)
    // What the servers say now begins nothing.
    for (message, server) in asked {
      let late = receive(
        .punching(peer.address), transaction: message.transaction, from: server)
      #expect(late.isEmpty)
    }
    #expect(machine.punches.isEmpty)
    for _ in 0..<20 {
      let left = machine.tick(now: machine.nextDeadline, wall: Timestamp(1_000), using: &random)
      for case .finished(let ended, _) in left { #expect(ended != id) }
    }
    #expect(machine.punches.isEmpty)
  }

  @Test mutating func aPunchThatNobodyKnowsOfEndsAtOnce() throws {
    let servers = [meet("5.1.1.1:1")]
    let peer = PublicKey.random(using: &random)
    let (id, asked) = beginPunch(peer, through: servers)
    let first = try #require(asked.first)
    let end = machine.receive(
      Message(transaction: first.message.transaction, isClient: false, body: .punching(nil)),
      from: Origin(contact: first.contact, isProven: true, replyBudget: 1_000), now: .zero,
      wall: Timestamp(1_000), using: &random)
    #expect(end == [.finished(id, .contacts([]))])
    #expect(machine.punches.isEmpty)
  }
}
