import Cryptography
import DHT
import NIOCore
import TestSupport
import Testing
import Transfer
import Wire

@testable import PeerNetwork

/// A relay, a node that only it leads to, and one that fetches from that node, over loopback.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct RelayDriverTests {
  private static func node(
    key: SigningKey = SigningKey.generate(), port: UInt16 = 0,
    relay: (inout RelayDesk.Settings) -> Void = { _ in }
  ) throws -> StreamNode {
    try StreamNode(key: key, port: port) {
      $0.isRelayable = { _ in true }
      $0.relayCheck = .milliseconds(200)
      $0.relayRenewal = .seconds(2)
      relay(&$0.relay)
    }
  }

  private static func relay(
    key: SigningKey = SigningKey.generate(), port: UInt16 = 0,
    change: (inout RelayDesk.Settings) -> Void = { _ in }
  ) throws -> StreamNode {
    try node(key: key, port: port) {
      $0.isEnabled = true
      change(&$0)
    }
  }

  /// The guest as others know it: at an address where nobody answers, and at the relay.
  private static func provider(
    _ guest: StreamNode, by relay: StreamNode
  ) async throws -> TransferService.Provider {
    let address = try #require(await relay.dht.boundAddress)
    return TransferService.Provider(
      key: guest.key, addresses: [Address(ip: .v4(0x7F00_0001), port: 1)],
      relays: [RelayDesk.Party(key: relay.key, address: address)])
  }

  /// Has the guest register, as it does at its bootstrap peers.
  private static func register(_ guest: StreamNode, at relay: StreamNode) async throws {
    await guest.dht.bootstrap([try await Loopback.peer(relay.dht)])
    try await Loopback.eventually { await guest.dht.relays.map(\.key) == [relay.key] }
  }

  @Test func aBlobIsFetchedByWayOfARelayWhichIsThenGivenBack() async throws {
    let (relay, guest, asker) = (try Self.relay(), try Self.node(), try Self.node())
    let bytes = BlobStoreConformance.content(size: 1 << 20, seed: 1)
    let root = guest.store.add(bytes)
    try await withStreams([relay, guest]) {
      try await Self.register(guest, at: relay)
      let provider = try await Self.provider(guest, by: relay)
      try await withStreams([asker]) {
        let report = try await asker.service.fetch(root, size: 1 << 20, from: [provider])
        #expect(report.contributions == [guest.key: 1 << 20])
        #expect(await asker.service.snapshot().connections.map(\.way) == [.relayed])
        let status = await relay.streams.relayed
        #expect(status.slots == 1 && status.guests == 1 && status.bytes > 1 << 20)
      }
      // The asker is gone: the guest gives the way back, long before it would be idle.
      let began = ContinuousClock.now
      try await Loopback.eventually { await relay.streams.relayed.slots == 0 }
      #expect(ContinuousClock.now - began < .seconds(25))
    }
    #expect(asker.store.bytes(of: root) == bytes)
  }

  @Test func aUsedUpQuotaEndsTheWayAndTheFetch() async throws {
    let relay = try Self.relay { $0.quotaPerNode = 300_000 }
    let (guest, asker) = (try Self.node(), try Self.node())
    let root = guest.store.add(BlobStoreConformance.content(size: 1 << 20, seed: 2))
    try await withStreams([relay, guest, asker]) {
      try await Self.register(guest, at: relay)
      let provider = try await Self.provider(guest, by: relay)
      await #expect(throws: (any Error).self) {
        _ = try await asker.service.fetch(root, size: 1 << 20, from: [provider])
      }
      let status = await relay.streams.relayed
      #expect(status.slots == 0 && status.overQuota >= 1 && status.bytes < 310_000)
      try await Loopback.eventually { await asker.service.snapshot().connections.isEmpty }
    }
  }

  @Test func whoWasRegisteredAtARelayThatBeganAnewIsFoundThereAgain() async throws {
    let key = SigningKey.generate()
    let first = try Self.relay(key: key)
    let (guest, asker) = (try Self.node(), try Self.node())
    let bytes = BlobStoreConformance.content(size: 100_000, seed: 3)
    let root = guest.store.add(bytes)
    try await withStreams([guest, asker]) {
      let port = try await withStreams([first]) {
        try await Self.register(guest, at: first)
        return try #require(await first.dht.boundAddress).port
      }
      let second = try Self.relay(key: key, port: port)
      try await withStreams([second]) {
        try await Loopback.eventually { await second.streams.relayed.guests == 1 }
        let provider = try await Self.provider(guest, by: second)
        _ = try await asker.service.fetch(root, size: 100_000, from: [provider])
      }
    }
    #expect(asker.store.bytes(of: root) == bytes)
  }

  @Test func aMeteredRelayEndsItsWaysAndKeepsNobody() async throws {
    let (relay, guest, asker) = (try Self.relay(), try Self.node(), try Self.node())
    let root = guest.store.add(BlobStoreConformance.content(size: 100_000, seed: 4))
    try await withStreams([relay, guest, asker]) {
      try await Self.register(guest, at: relay)
      let provider = try await Self.provider(guest, by: relay)
      _ = try await asker.service.fetch(root, size: 100_000, from: [provider])
      relay.streams.relay(false, uploadLimit: nil)
      try await Loopback.eventually { await !relay.streams.relayed.isEnabled }
      #expect(await relay.streams.relayed.slots == 0)
      // Both ends are told, and the guest looks for another relay.
      try await Loopback.eventually { await asker.service.snapshot().connections.isEmpty }
      try await Loopback.eventually { await guest.service.snapshot().connections.isEmpty }
      try await Loopback.eventually { await guest.dht.relays.isEmpty }
    }
  }

  @Test func aStreamThatLeavesTheRelayGivesTheWayBack() async throws {
    let (relay, guest, asker) = (try Self.relay(), try Self.node(), try Self.node())
    try await withStreams([relay, guest, asker]) {
      try await Self.register(guest, at: relay)
      let provider = try await Self.provider(guest, by: relay)
      let granted = await asker.streams.relay(to: guest.key, through: provider.relays)
      let way = try #require(granted)
      let channel = try await asker.streams.connect(to: guest.key, at: way)
      channel.mark.way = .relayed
      #expect(await relay.streams.relayed.slots == 1)
      let direct = try #require(await guest.dht.boundAddress)
      channel.look(at: direct)
      try await Loopback.eventually { channel.mark.way == .punched }
      let address = try await channel.eventLoop.submit { channel.address }.get()
      #expect(address == direct)
      let began = ContinuousClock.now
      try await Loopback.eventually { await relay.streams.relayed.slots == 0 }
      #expect(ContinuousClock.now - began < .seconds(30))
    }
  }

  @Test func aRelayTakesHalfOfTheUploadLimitAndCountsAsUpload() async throws {
    let relay = try Self.relay()
    let (guest, asker) = (try Self.node(), try Self.node())
    let root = guest.store.add(BlobStoreConformance.content(size: 1_000_000, seed: 5))
    let uploads = RateLimiter(rate: 1_000, clock: TransferClock())
    relay.streams.share(uploads)
    relay.streams.relay(true, uploadLimit: 400_000)
    try await withStreams([relay, guest, asker]) {
      try await Self.register(guest, at: relay)
      let provider = try await Self.provider(guest, by: relay)
      let time = try await ContinuousClock().measure {
        _ = try await asker.service.fetch(root, size: 1_000_000, from: [provider])
      }
      // 200,000 bytes a second, and a block at the beginning.
      #expect(time > .seconds(4.6))
    }
    #expect(uploads.take(1) > .seconds(600))
  }
}
