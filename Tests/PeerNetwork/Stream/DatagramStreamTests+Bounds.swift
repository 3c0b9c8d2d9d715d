import Cryptography
import NIOCore
import NIOPosix
import TestSupport
import Testing
import Transfer
import Wire

@testable import PeerNetwork

/// What others can take of a node by streams, and what they can't.
extension DatagramStreamTests {
  @Test(arguments: [true, false])
  func noNodeAndNoAddressTakesTheRoomOfAll(byAddress: Bool) async throws {
    let seeder = try StreamNode {
      $0.streamsPerNode = byAddress ? 100 : 2
      $0.streamsPerAddress = byAddress ? 3 : 100
      $0.exemptsLoopback = false
    }
    let readers = try (0..<2).map { _ in try StreamNode() }
    try await withStreams([seeder] + readers) {
      let address = try #require(await seeder.dht.boundAddress)
      var granted = [0, 0]
      for (index, reader) in readers.enumerated() {
        for _ in 0..<4 {
          let channel = try? await reader.streams.connect(to: seeder.key, at: address)
          if channel != nil { granted[index] += 1 }
        }
      }
      #expect(granted == (byAddress ? [3, 0] : [2, 2]))
      // One who hears the refusal late asks again.
      #expect(await seeder.streams.tally.refused >= (byAddress ? 5 : 4))
    }
  }

  @Test func ofStreamsToSeveralAddressesOneIsLeft() async throws {
    let seeder = try StreamNode(at: .v4(0), change: { $0.lingerTime = .seconds(600) }) {
      $0.handshakeTime = .seconds(600)
    }
    let reader = try StreamNode()
    try await withStreams([seeder, reader]) {
      let port = try #require(await seeder.dht.boundAddress).port
      let addresses = (1...4).map { Address(ip: .v4(0x7F00_0000 + $0), port: port) }
      for _ in 0..<8 {
        let channel = try await reader.streams.connect(
          to: seeder.key, atAnyOf: addresses, within: .seconds(30))
        try await channel.close()
      }
      #expect(await seeder.streams.tally.granted >= 8)
      // Those that lost the race are reset, not left until they are given up ten minutes later.
      try await Loopback.eventually { await seeder.streams.openCount == 0 }
    }
  }

  @Test func incomingStreamsLeaveRoomForOurs() async throws {
    let node = try StreamNode {
      $0.streams = 8
      $0.streamsPerNode = 100
    }
    let other = try StreamNode()
    try await withStreams([node, other]) {
      let (here, there) = (
        try #require(await node.dht.boundAddress), try #require(await other.dht.boundAddress)
      )
      var granted = 0
      for _ in 0..<8 {
        if (try? await other.streams.connect(to: node.key, at: here)) != nil { granted += 1 }
      }
      #expect(granted == 6)
      for _ in 0..<2 { _ = try await node.streams.connect(to: other.key, at: there) }
    }
  }

  @Test func manyStreamsShareTheMemory() async throws {
    let seeder = try StreamNode {
      $0.streamsPerNode = 100
      $0.memory = 16 << 20
    }
    let reader = try StreamNode()
    try await withStreams([seeder, reader]) {
      let address = try #require(await seeder.dht.boundAddress)
      for _ in 0..<40 {
        _ = try await reader.streams.connect(to: seeder.key, at: address)
      }
      let memory = await seeder.streams.memoryOfStreams
      // The windows of forty streams would be 320 MiB; none is smaller than 128 KiB each way.
      #expect(memory <= (16 << 20) + 40 * (256 << 10))
      #expect(memory >= 40 * (256 << 10))
    }
  }

  @Test func anOpeningThatIsReplayedOpensNothing() async throws {
    let seeder = try StreamNode { $0.lingerTime = .zero }
    let reader = try StreamNode()
    try await withStreams([seeder, reader]) {
      let address = try #require(await reader.dht.boundAddress)
      // As the seeder's service hands on what showed a valid cookie.
      let message = StreamOpening.open(
        session: 7, ephemeral: EphemeralKey().publicKey, credit: 1_000, offersAES: false)
      seeder.streams.receive(message, from: reader.key, at: address)
      seeder.streams.receive(message, from: reader.key, at: address)
      #expect(await seeder.streams.tally.granted == 1)
      await seeder.streams.abandonAll()
      seeder.streams.receive(message, from: reader.key, at: address)
      let tally = await seeder.streams.tally
      #expect(tally.granted == 1 && tally.replayed == 1)
    }
  }

  @Test func anOpeningWithoutACookieMakesNoState() async throws {
    let seeder = try StreamNode()
    let reader = try StreamNode()
    try await withStreams([seeder, reader]) {
      let address = try #require(await reader.dht.boundAddress)
      let message = StreamOpening.open(
        session: 7, ephemeral: EphemeralKey().publicKey, credit: 1_000, offersAES: false)
      let unproven = DatagramSessions.Opened(
        sender: reader.key, message: message.encoded, isProven: false)
      #expect(await seeder.dht.takeOpening(unproven, from: address))
      #expect(await seeder.streams.tally == StreamTally())
    }
  }

  @Test func aFloodThatTheDHTCannotTakeHoldsUpNoStream() async throws {
    let seeder = try StreamNode()
    let reader = try StreamNode()
    let (small, large) = (
      BlobStoreConformance.content(size: 1_000, seed: 8),
      BlobStoreConformance.content(size: 2 << 20, seed: 9)
    )
    let (first, second) = (seeder.store.add(small), seeder.store.add(large))
    try await withStreams([seeder, reader]) {
      let provider = await seeder.provider()
      _ = try await reader.service.fetch(first, size: 1_000, from: [provider])
      let address = try #require(await reader.dht.boundAddress)
      let target = try #require(address.socketAddress(onIPv6: false))
      let hold = Hold()
      await withTaskGroup(of: Void.self) { group in
        // The reader's DHT does nothing until the fetch is over, or for a minute.
        group.addTask { await reader.dht.keep(hold) }
        group.addTask {
          defer { hold.end() }
          do {
            let channel = try await DatagramBootstrap(group: NIOSingletons.posixEventLoopGroup)
              .bind(host: "127.0.0.1", port: 0).get()
            let junk = ByteBuffer(repeating: 1, count: 300)
            for _ in 0..<1_000 {
              try await channel.writeAndFlush(AddressedEnvelope(remoteAddress: target, data: junk))
            }
            let time = try await ContinuousClock().measure {
              _ = try await reader.service.fetch(second, size: 2 << 20, from: [provider])
            }
            #expect(time < .seconds(50))
            try await channel.close()
          } catch {
            Issue.record(error)
          }
        }
      }
      #expect(await reader.streams.tally.dropped > 0)
    }
    #expect(reader.store.bytes(of: second) == large)
  }

  @Test func aStreamThatEndsForAReasonTellsIt() throws {
    #expect(StreamFailure(.idle) == .silent)
    #expect(StreamFailure(.violation) == .violation)
    #expect(StreamFailure(.resetByPeer(1)) == .reset(1))
    for outcome in [StreamOutcome.finished, .reset, .resetByPeer(0)] {
      #expect(StreamFailure(outcome) == nil)
    }
  }
}
