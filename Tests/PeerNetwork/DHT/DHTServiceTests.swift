import Cryptography
import DHT
import Logging
import Testing
import Wire

@testable import PeerNetwork

/// The driver on real sockets of the loopback interface.
@Suite(.serialized, .timeLimit(.minutes(2))) struct DHTServiceTests {
  let later = DHTService.systemTime() + .seconds(3_600)

  @Test func eightNodesOnOneMachineShareStatements() async throws {
    let nodes = try (1...8).map { try Loopback.node(UInt8($0)) }
    let issuer = try Loopback.key(100)
    let key = Bytes32(words: (1, 2, 3, 4))
    let statement = try TestStatements.make(key: key, expires: later, with: issuer)
    try await Loopback.run(nodes) { nodes in
      let storedOn = await nodes[3].publish(statements: [statement])
      #expect(storedOn.first ?? 0 >= 1)
      for node in nodes {
        let found = await node.statements(for: [key, .zero], issuers: [issuer.publicKey]) {
          _, statements in !statements.isEmpty
        }
        #expect(found == [key: [statement]])
      }
    }
  }

  @Test func theSnapshotSaysHowTheTableIsDoing() async throws {
    let nodes = try (1...4).map { try Loopback.node(UInt8($0)) }
    let issuer = try Loopback.key(100)
    let key = Bytes32(words: (1, 2, 3, 4))
    let statement = try TestStatements.make(key: key, expires: later, with: issuer)
    try await Loopback.run(nodes) { nodes in
      let storedOn = await nodes[1].publish(statements: [statement])
      _ = await nodes[2].statements(for: [key, .zero], issuers: []) { _, _ in false }
      let asker = await nodes[2].snapshot
      #expect(asker.lookups.counts.reduce(0, +) == 1)
      #expect(asker.contacts.answering >= 1)
      #expect(asker.contacts.doubtful + asker.contacts.silent == 0)
      #expect(asker.datagramsSent > 0 && asker.bytesSent > asker.datagramsSent)
      var accepted: UInt64 = 0
      for node in nodes {
        accepted += await node.snapshot.status.counters.count(of: .stored)
      }
      #expect(accepted >= UInt64(storedOn.first ?? 0))
    }
  }

  @Test func statementsOfOtherIssuersDoNotCount() async throws {
    let nodes = try (1...3).map { try Loopback.node(UInt8($0)) }
    let key = Bytes32(words: (1, 2, 3, 4))
    let stranger = try Loopback.key(101)
    let statement = try TestStatements.make(key: key, expires: later, with: stranger)
    let many = try (110..<122).map { try Loopback.key($0).publicKey }
    try await Loopback.run(nodes) { nodes in
      _ = await nodes[1].publish(statements: [statement])
      let few = await nodes[2].statements(for: [key], issuers: [many[0]]) { _, _ in true }
      #expect(few.isEmpty)
      // More issuers than a GET can name are told apart by the asker.
      let all = await nodes[2].statements(for: [key], issuers: many) { !$1.isEmpty }
      #expect(all.isEmpty)
      let named = await nodes[2].statements(for: [key], issuers: many + [stranger.publicKey]) {
        !$1.isEmpty
      }
      #expect(named == [key: [statement]])
    }
  }

  @Test func announcementsAreFoundWithTheirAddresses() async throws {
    var settings = Loopback.settings
    let served = try #require(Address("127.0.0.1:4242"))
    settings.advertised = [served]
    settings.role = .seeder
    let nodes = [
      try Loopback.node(1), try Loopback.node(2, settings: settings), try Loopback.node(3),
    ]
    let root = ContentRoot(Bytes32(words: (5, 6, 7, 8)))
    try await Loopback.run(nodes) { nodes in
      await nodes[1].announce([root])
      await nodes[2].announce([root])
      try await Loopback.eventually {
        await nodes[0].providers(of: [root])[root]?.count == 2
      }
      let found = try #require(await nodes[0].providers(of: [root])[root])
      #expect(found.map(\.node) == [nodes[1].key, nodes[2].key])
      #expect(found[0].addresses == [served])
      #expect(found[0].role == .seeder)
      // Without a configured address: as others see us, with the port that is bound.
      #expect(found[1].addresses == [try #require(await nodes[2].boundAddress)])
      let own = await nodes[1].providers(of: [root])
      #expect(own[root]?.map(\.node) == [nodes[2].key])
    }
  }

  @Test func aServiceThatNeverRanLetsItsPortGo() async throws {
    let first = try Loopback.node(1)
    try await first.start()
    let bound = try #require(await first.boundAddress)
    await first.stop()
    var settings = Loopback.settings
    settings.bind = bound
    let second = try Loopback.node(2, settings: settings)
    try await second.start()
    await second.stop()
  }

  @Test func aNodeJoinsOnceItsBootstrapPeerAppears() async throws {
    var settings = Loopback.settings
    let early = try Loopback.node(1)
    try await early.start()
    let port = try #require(await early.boundAddress).port
    settings.bind = Address(ip: settings.bind.ip, port: port)
    let late = try Loopback.node(2)
    let reborn = try Loopback.node(1, settings: settings)
    // Releases the port: a service that is cancelled closes its socket.
    try await stop(early)
    try await late.start()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await late.run() }
      await late.bootstrap([BootstrapPeer(key: reborn.key, host: "localhost", port: port)])
      try await Loopback.eventually { await late.snapshot.status.counters.requestsSent > 1 }
      #expect(await !late.snapshot.isJoined)
      try await reborn.start()
      group.addTask { try await reborn.run() }
      try await Loopback.eventually { await late.snapshot.isJoined }
      group.cancelAll()
      while await group.nextResult() != nil {}
    }
  }

  @Test func aLostLinkIsFoundAgain() async throws {
    var settings = Loopback.settings
    settings.watchInterval = .milliseconds(50)
    settings.kademlia.hardTimeout = .milliseconds(200)
    let first = try Loopback.node(1)
    let second = try Loopback.node(2, settings: settings)
    try await first.start()
    try await second.start()
    let peer = try await Loopback.peer(first)
    settings.bind = Address(ip: settings.bind.ip, port: peer.port)
    let reborn = try Loopback.node(1, settings: settings)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await second.run() }
      await second.bootstrap([peer])
      try await withThrowingTaskGroup(of: Void.self) { inner in
        inner.addTask { try await first.run() }
        try await Loopback.eventually { await second.snapshot.isJoined }
        inner.cancelAll()
        while await inner.nextResult() != nil {}
      }
      try await Loopback.eventually {
        _ = await second.nodes(near: .zero)
        return await !second.snapshot.isJoined
      }
      try await reborn.start()
      group.addTask { try await reborn.run() }
      try await Loopback.eventually { await second.snapshot.isJoined }
      group.cancelAll()
      while await group.nextResult() != nil {}
    }
  }

  @Test func savedContactsJoinWithoutBootstrapPeers() async throws {
    let nodes = try (1...3).map { try Loopback.node(UInt8($0)) }
    try await Loopback.run(nodes) { nodes in
      let saved = await nodes[1].contactsToSave
      let contacts = try DHTState.contacts(from: saved)
      #expect(!contacts.isEmpty)
      let restarted = try Loopback.node(50, contacts: contacts)
      try await restarted.start()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await restarted.run() }
        try await Loopback.eventually { await restarted.snapshot.isJoined }
        group.cancelAll()
        while await group.nextResult() != nil {}
      }
    }
  }

  @Test func whatWasPublishedIsPublishedAgainAfterARestart() async throws {
    let issuer = try Loopback.key(100)
    let key = Bytes32(words: (1, 2, 3, 4))
    let statement = try TestStatements.make(key: key, expires: later, with: issuer)
    let alone = try Loopback.node(9)
    try await alone.start()
    // Nobody is there: stored nowhere, but not forgotten.
    #expect(await alone.publish(statements: [statement, [1, 2]]) == [0, 0])
    let saved = await alone.publisherToSave
    try await stop(alone)
    var publisher = try DHTState.publisher(from: saved)
    #expect(publisher.items.count == 1)
    publisher = Publisher(
      items: publisher.items.map {
        .init(key: $0.key, content: $0.content, due: Timestamp(0), storedOn: 0)
      })
    let nodes = [
      try Loopback.node(1), try Loopback.node(9, publisher: publisher), try Loopback.node(2),
    ]
    try await Loopback.run(nodes) { nodes in
      try await Loopback.eventually {
        await nodes[2].statements(for: [key], issuers: []) { !$1.isEmpty } == [key: [statement]]
      }
    }
  }

  @Test func aPortInUseIsAClearError() async throws {
    let first = try Loopback.node(1)
    try await first.start()
    let bound = try #require(await first.boundAddress)
    var settings = Loopback.settings
    settings.bind = bound
    let second = try Loopback.node(2, settings: settings)
    await #expect(throws: DHTService.StartError.portInUse(bound)) { try await second.start() }
    #expect("\(DHTService.StartError.portInUse(bound))".contains("port \(bound.port)"))
    try await stop(first)
  }

  @Test func aPeerWithAnotherKeyThanAnnouncedIsNotJoined() async throws {
    let nodes = [try Loopback.node(1)]
    try await Loopback.run(nodes) { nodes in
      let address = try #require(await nodes[0].boundAddress)
      let wrong = Contact(key: try Loopback.key(77).publicKey, address: address)
      let other = try Loopback.node(2)
      try await other.start()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await other.run() }
        try await Loopback.eventually {
          _ = await other.perform(.join([wrong]))
          return await other.snapshot.status.counters.timeouts > 0
        }
        #expect(await other.snapshot.status.contacts == 0)
        #expect(await nodes[0].snapshot.datagramsRefused > 0)
        group.cancelAll()
        while await group.nextResult() != nil {}
      }
    }
  }

  @Test func garbageIsCountedAndChangesNothing() async throws {
    let nodes = try (1...2).map { try Loopback.node(UInt8($0)) }
    try await Loopback.run(nodes) { nodes in
      let address = try #require(await nodes[0].boundAddress)
      var random = SplitMix64(seed: 1)
      var packets: [[UInt8]] = []
      for length in [0, 1, 31, 88, 89, 90, 500, 1_232, 1_233, 2_047, 2_048, 9_000] {
        packets.append((0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) })
      }
      // Well sealed, but no message inside.
      var stranger = DatagramSessions(
        identity: try Loopback.key(60), network: "larder", capacity: 8, strangersPerSecond: 1)
      for plain in [[], [0xFF], [0x08, 0x01], [UInt8](repeating: 7, count: 900)] as [[UInt8]] {
        packets.append(try Loopback.seal(plain, to: nodes[0].key, at: address, with: &stranger))
      }
      // From another network.
      var elsewhere = DatagramSessions(
        identity: try Loopback.key(61), network: "other", capacity: 8, strangersPerSecond: 1)
      packets.append(try Loopback.seal([1], to: nodes[0].key, at: address, with: &elsewhere))
      let before = await nodes[0].snapshot.datagramsRefused
      let expected = UInt64(packets.count)
      _ = try await Loopback.exchange(packets, to: address, answers: 0)
      try await Loopback.eventually {
        await nodes[0].snapshot.datagramsRefused >= before + expected
      }
      #expect(await nodes[0].snapshot.status.contacts == 1)
      let statement = try TestStatements.make(
        key: .zero, expires: later, with: try Loopback.key(100))
      #expect(await nodes[1].publish(statements: [statement]) == [1])
    }
  }

  @Test func anUnprovenRequestGetsNoMoreBytesThanItHas() async throws {
    let nodes = try (1...6).map { try Loopback.node(UInt8($0)) }
    try await Loopback.run(nodes) { nodes in
      let address = try #require(await nodes[0].boundAddress)
      var stranger = DatagramSessions(
        identity: try Loopback.key(60), network: "larder", capacity: 8, strangersPerSecond: 9)
      for length in [0, 120, 300, 900] {
        let find = DHTCodec.encode(
          Message(transaction: 1, isClient: true, body: .find([.zero])), length: length)
        let packet = try Loopback.seal(find, to: nodes[0].key, at: address, with: &stranger)
        // The ping after it shows that an answer that is not there will not come.
        let ping = DHTCodec.encode(
          Message(transaction: 2, isClient: true, body: .ping), length: 100)
        let last = try Loopback.seal(ping, to: nodes[0].key, at: address, with: &stranger)
        var answer: [UInt8] = []
        var opened: DHTCodec.Decoded?
        for packet in try await Loopback.exchange(
          [packet, last], to: address, answers: length >= 120 ? 2 : 1)
        {
          let plain = try stranger.open(packet, from: address, now: .zero).message
          let decoded = try DHTCodec.decode(plain)
          if decoded.message.transaction == 1 { answer = packet }
          opened = decoded
        }
        #expect(answer.count <= packet.count)
        #expect(opened?.cookie?.count == AddressCookie.length)
      }
    }
  }

  @Test func replayedRequestsChangeNothing() async throws {
    let nodes = try (1...2).map { try Loopback.node(UInt8($0)) }
    try await Loopback.run(nodes) { nodes in
      let address = try #require(await nodes[0].boundAddress)
      var stranger = DatagramSessions(
        identity: try Loopback.key(60), network: "larder", capacity: 8, strangersPerSecond: 9)
      let statement = try TestStatements.make(
        key: .zero, expires: later, with: try Loopback.key(100))
      let store = DHTCodec.encode(
        Message(
          transaction: 1, isClient: true,
          body: .store([EncodedRecord(kind: .statement, bytes: statement)])))
      let packet = try Loopback.seal(store, to: nodes[0].key, at: address, with: &stranger)
      let answers = try await Loopback.exchange(
        [[UInt8]](repeating: packet, count: 20), to: address, answers: 20)
      for answer in answers {
        let plain = try stranger.open(answer, from: address, now: .zero).message
        #expect(try DHTCodec.decode(plain).message.body == .stored([.needsCookie]))
      }
      #expect(await nodes[0].snapshot.status.records == 0)
    }
  }

  @Test func aCancelledRequestLeavesNothingBehind() async throws {
    let nodes = try (1...2).map { try Loopback.node(UInt8($0)) }
    try await Loopback.run(nodes) { nodes in
      let silent = Contact(
        key: try Loopback.key(99).publicKey, address: Address(ip: .v4(0x7F00_0001), port: 1))
      try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask { await nodes[0].perform(.join([silent])) == nil }
        try await Loopback.eventually { await nodes[0].snapshot.status.requestsRunning > 0 }
        group.cancelAll()
        _ = await group.nextResult()
      }
      try await Loopback.eventually { await nodes[0].snapshot.status.requestsRunning == 0 }
    }
  }

  @Test func requestsBeforeTheStartFindNothing() async throws {
    let node = try Loopback.node(1)
    #expect(await node.statements(for: [.zero], issuers: []) { _, _ in true } == [:])
    #expect(await node.providers(of: [ContentRoot(.zero)]).isEmpty)
    await #expect(throws: DHTService.StartError.notStarted) { try await node.run() }
  }

  @Test func theIPv6LoopbackWorksToo() async throws {
    var settings = Loopback.settings
    settings.bind = Address(ip: .v6(0, 1), port: 0)
    let nodes = try (1...2).map { try Loopback.node(UInt8($0), settings: settings) }
    try await Loopback.run(nodes) { nodes in
      #expect(await nodes[0].snapshot.status.contacts == 1)
    }
  }

  @Test func aDualStackSocketReachesIPv4() async throws {
    var settings = Loopback.settings
    settings.bind = Address(ip: .v6(0, 0), port: 0)
    let nodes = [try Loopback.node(1), try Loopback.node(2, settings: settings)]
    try await Loopback.run(nodes) { nodes in
      let contacts = try DHTState.contacts(from: await nodes[0].contactsToSave)
      #expect(contacts.map(\.address.ip) == [.v4(0x7F00_0001)])
    }
  }

  /// Runs a started node just to close its socket.
  private func stop(_ node: DHTService) async throws {
    await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await node.run() }
      group.cancelAll()
      while await group.nextResult() != nil {}
    }
  }
}
