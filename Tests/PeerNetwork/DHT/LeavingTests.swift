import Cryptography
import DHT
import Foundation
import Testing
import Wire

@testable import PeerNetwork

/// Going by intent, on real sockets.
@Suite(.serialized, .timeLimit(.minutes(2))) struct LeavingTests {
  /// Runs nodes of which the last leaves and ends within the body.
  static func run(
    _ nodes: [DHTService],
    _ body: @Sendable (_ leave: @Sendable () async throws -> Void) async throws -> Void
  ) async throws {
    guard let last = nodes.last else { return }
    for node in nodes { try await node.start() }
    let first = try await Loopback.peer(nodes[0])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for node in nodes {
        if node.key != nodes[0].key { await node.bootstrap([first]) }
        if node.key != last.key { group.addTask { try await node.run() } }
      }
      try await withThrowingTaskGroup(of: Void.self) { inner in
        inner.addTask { try await last.run() }
        for node in nodes { try await Loopback.eventually { await node.snapshot.isJoined } }
        try await body { await last.leave() }
        inner.cancelAll()
        while await inner.nextResult() != nil {}
      }
      group.cancelAll()
      while await group.nextResult() != nil {}
    }
  }

  @Test func peersDropWhoLeavesAtOnce() async throws {
    let nodes = try (1...5).map { try Loopback.node(UInt8($0)) }
    let gone = nodes[4].key
    try await Self.run(nodes) { leave in
      for node in nodes.dropLast() {
        try await Loopback.eventually { await node.nodes(near: .zero).contains { $0.key == gone } }
      }
      let began = ContinuousClock.now
      try await leave()
      #expect(ContinuousClock.now - began < .seconds(30))
      for node in nodes.dropLast() {
        let contacts = await node.machine.closestContacts(to: .zero, count: 8)
        #expect(!contacts.contains { $0.key == gone })
      }
    }
  }

  @Test func whoLeavesGivesItsRecordsToWhoLacksThem() async throws {
    let file = FileManager.default.temporaryDirectory
      .appending(path: "larder-leaving-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    var settings = Loopback.settings
    settings.journal = file.path()
    let nodes = try [Loopback.node(1), Loopback.node(2), Loopback.node(3, settings: settings)]
    let record = try TestStatements().validate(
      TestStatements.make(
        key: Bytes32(words: (1, 2, 3, 4)), expires: DHTService.systemTime() + .seconds(3_600),
        with: Loopback.key(100)),
      kind: .statement, now: DHTService.systemTime())
    try await Self.run(nodes) { leave in
      // Only the one that leaves has it.
      let own = nodes[2]
      try await Loopback.eventually { await own.snapshot.status.contacts == 2 }
      let sender = try await Loopback.peer(nodes[0])
      let address = try #require(Address("127.0.0.1:\(sender.port)"))
      let origin = Origin(
        contact: Contact(key: nodes[0].key, address: address), isProven: true, replyBudget: 1_000)
      let store = Message.Body.store([EncodedRecord(kind: .statement, bytes: record.bytes)])
      await own.take(Message(transaction: 1, isClient: false, body: store), from: origin)
      try await leave()
      for node in nodes.dropLast() {
        #expect(await node.machine.keptRecords(under: record.key) == [record])
      }
    }
    let journal = [UInt8](try Data(contentsOf: file))
    let replay = try JournalReplay.run(journal, statements: TestStatements())
    #expect(replay.firstDifference == nil)
  }

  @Test func whoIsAloneLeavesWithoutAWait() async throws {
    var settings = Loopback.settings
    settings.farewell = .seconds(600)
    let node = try Loopback.node(1, settings: settings)
    try await Loopback.run([node]) { nodes in
      await nodes[0].leave()
    }
  }
}

extension DHTService {
  /// Gives the machine a message as if it had come.
  fileprivate func take(_ message: Message, from origin: Origin) {
    _ = step(receiving: message, from: origin)
  }
}
