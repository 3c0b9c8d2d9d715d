import Cryptography
import NIOCore
import TestSupport
import Testing
import Transfer
import Wire

@testable import PeerNetwork

private let hello = TransferFrame.hello(.init(network: "test", credit: 512)).framed
private let blob = BlobStoreConformance.content(size: 200_000, seed: 1)

/// Times that no loaded machine exceeds: only what the peer says ends the conversation.
@Sendable private func patient(_ settings: inout TransferSettings) {
  settings.fetching.backoff = .milliseconds(10)
  settings.fetching.attempts = 2
}

/// Times that end a silent conversation within a test; what is tested is only that it ends.
@Sendable private func quick(_ settings: inout TransferSettings) {
  settings.handshakeTime = .milliseconds(200)
  settings.frameTime = .milliseconds(200)
  settings.writeTime = .milliseconds(200)
  settings.idleTime = .milliseconds(400)
  settings.fetching.answerTime = .milliseconds(150)
  settings.fetching.connectTime = .milliseconds(400)
  settings.fetching.silence = .milliseconds(150)
  settings.fetching.shortestSilence = .milliseconds(100)
  settings.fetching.backoff = .milliseconds(10)
  settings.fetching.attempts = 2
}

/// A server's node and what it answers to these bytes before it closes.
private func answers(
  _ parts: [[UInt8]], tls: Bool = true,
  times: @escaping (inout TransferSettings) -> Void = patient
) async throws -> [FrameDecoder.Event] {
  let node = try TransferNode(change: times)
  node.store.add(blob)
  let identity = tls ? try NodeIdentity(SigningKey.generate()) : nil
  return try await withNodes([node]) {
    let address = try #require(await node.service.boundAddress)
    let events = try await RawPeer.exchange(with: address, as: identity, sending: parts)
    // The node still serves others.
    let reader = try TransferNode()
    try await withNodes([reader]) {
      let root = try BlobStoreConformance.tree(of: blob).root
      _ = try await reader.service.fetch(root, size: 200_000, from: [await node.provider])
    }
    return events
  }
}

/// A connection that the node breaks off may lose the greeting on its way.
private func isAtMostTheGreeting(_ events: [FrameDecoder.Event]) -> Bool {
  events.allSatisfy { if case .frame(.hello) = $0 { true } else { false } }
}

@Suite(.serialized, .timeLimit(.minutes(2)))
struct HostileAskerTests {
  @Test func garbageInsteadOfTLSIsClosed() async throws {
    let garbage = BlobStoreConformance.content(size: 5_000, seed: 9)
    // TLS may answer with an alert, which is no frame of ours.
    _ = try? await answers([garbage], tls: false, times: quick)
  }

  @Test func silenceInsteadOfTLSIsClosed() async throws {
    #expect(try await answers([], tls: false, times: quick).isEmpty)
  }

  @Test func silenceAfterTheHandshakeIsClosed() async throws {
    let events = try await answers([], times: quick)
    #expect(isAtMostTheGreeting(events))
  }

  @Test func frameThatNeverEndsIsClosed() async throws {
    let events = try await answers([hello, [0, 1, 0, 0], [1, 2, 3]], times: quick)
    #expect(isAtMostTheGreeting(events))
  }

  @Test func idleConnectionIsClosed() async throws {
    let events = try await answers([hello], times: quick)
    #expect(isAtMostTheGreeting(events))
  }

  @Test func oversizedFrameIsClosed() async throws {
    let events = try await answers([hello, [0x7F, 0xFF, 0xFF, 0xFF], [1, 2, 3]])
    #expect(isAtMostTheGreeting(events))
  }

  @Test func unknownFrameIsClosed() async throws {
    let events = try await answers([hello, [0, 0, 0, 3, 0xFF, 0xFF, 0xFF]])
    #expect(isAtMostTheGreeting(events))
  }

  @Test func otherNetworkIsToldSo() async throws {
    let foreign = TransferFrame.hello(.init(network: "other", credit: 1)).framed
    let events = try await answers([foreign])
    #expect(events.last == .frame(.goodbye(.foreign)))
  }

  @Test func greetingComesFirst() async throws {
    let root = try BlobStoreConformance.tree(of: blob).root
    let events = try await answers([TransferFrame.want(stream: 1, root: root).framed])
    #expect(isAtMostTheGreeting(events))
  }

  @Test func wrongStreamIsRejectedAndNotEndless() async throws {
    let request = TransferFrame.blockRequest(stream: 77, blocks: 0..<1).framed
    let parts = [hello] + [[UInt8]](repeating: request, count: 40)
    let events = try await answers(parts)
    let rejects = events.count { $0 == .frame(.reject(stream: 77, .badRequest)) }
    #expect(rejects == 16)
    #expect(events.last == .frame(.goodbye(.violation)))
  }

  @Test func blockThatNobodyAskedForEndsTheConnection() async throws {
    let block = TransferFrame.blockData(stream: 1, block: 0, length: 3).framed + [1, 2, 3]
    let events = try await answers([hello, block])
    #expect(events.last == .frame(.goodbye(.violation)))
  }

  @Test func connectionsOverTheCapAreRefused() async throws {
    let node = try TransferNode { $0.connections = 2 }
    try await withNodes([node]) {
      let address = try #require(await node.service.boundAddress)
      let first = try await RawPeer.connect(
        to: address, as: NodeIdentity(SigningKey.generate()))
      let second = try await RawPeer.connect(
        to: address, as: NodeIdentity(SigningKey.generate()))
      try await first.executeThenClose { _, outbound in
        try await outbound.write(ByteBuffer(bytes: hello))
        try await second.executeThenClose { _, outbound in
          try await outbound.write(ByteBuffer(bytes: hello))
          #expect(await eventually { await node.service.snapshot().connections.count == 2 })
          let identity = try NodeIdentity(SigningKey.generate())
          let third = try? await RawPeer.exchange(with: address, as: identity, sending: [hello])
          #expect(third?.isEmpty ?? true)
        }
      }
      #expect(await eventually { await node.service.snapshot().connections.isEmpty })
      let fourth = try await RawPeer.connect(
        to: address, as: NodeIdentity(SigningKey.generate()))
      try await fourth.executeThenClose { inbound, outbound in
        try await outbound.write(ByteBuffer(bytes: hello))
        var bytes = try await #require(inbound.first { _ in true })
        let greeting = try RawPeer.events(of: &bytes).first
        #expect(greeting == .frame(.hello(.init(network: "test", credit: 512))))
      }
    }
  }

  @Test func askerThatDoesNotReadIsCut() async throws {
    // The other times are long: nothing but the full socket can end this conversation.
    let node = try TransferNode { $0.writeTime = .milliseconds(200) }
    let bytes = BlobStoreConformance.content(size: 24 << 20, seed: 3)
    let root = node.store.add(bytes)
    try await withNodes([node]) {
      let address = try #require(await node.service.boundAddress)
      let channel = try await RawPeer.connect(
        to: address, as: NodeIdentity(SigningKey.generate()))
      try await channel.executeThenClose { inbound, outbound in
        try await outbound.write(ByteBuffer(bytes: hello))
        try await outbound.write(
          ByteBuffer(bytes: TransferFrame.want(stream: 1, root: root).framed))
        // Greeting and answer may come in one piece or in several.
        var pieces = inbound.makeAsyncIterator()
        var heard = ByteBuffer()
        while true {
          var copy = heard
          if try RawPeer.events(of: &copy).count >= 2 { break }
          var piece = try #require(try await pieces.next())
          heard.writeBuffer(&piece)
        }
        #expect(await eventually { await node.service.snapshot().connections.count == 1 })
        let all = TransferFrame.blockRequest(stream: 1, blocks: 0..<384).framed
        try await outbound.write(ByteBuffer(bytes: all))
        #expect(await eventually { await node.service.snapshot().connections.isEmpty })
      }
    }
  }
}

/// What a fetch does with a provider that answers by `script`.
private func fetchFrom(
  _ way: Way, size: UInt64 = 200_000,
  times: @escaping @Sendable (inout TransferSettings) -> Void = patient,
  script: @escaping @Sendable (FrameDecoder.Event) -> [UInt8]?
) async throws -> (offence: Offence?, error: FetchError?) {
  let identity = try NodeIdentity(SigningKey.generate())
  let root = try BlobStoreConformance.tree(of: blob).root
  let error = Captured()
  try await RawPeer.serve(as: identity, over: way, script: script) { address in
    let provider = TransferService.Provider(
      key: identity.key.publicKey, addresses: [address])
    let fetch = { @Sendable (reader: TransferService) in
      do {
        _ = try await reader.fetch(root, size: size, from: [provider])
      } catch let failure as FetchError {
        await error.set(failure)
      }
    }
    switch way {
    case .tcp:
      let reader = try TransferNode(change: times)
      try await withNodes([reader]) { try await fetch(reader.service) }
    case .udp:
      let reader = try StreamNode(times: times)
      try await withStreams([reader]) { try await fetch(reader.service) }
    }
  }
  let failure = await error.value
  if case .noProviders(let banned) = failure { return (banned[identity.key.publicKey], failure) }
  return (nil, failure)
}

private actor Captured {
  private(set) var value: FetchError?
  func set(_ error: FetchError) { value = error }
}

@Suite(.serialized, .timeLimit(.minutes(2)))
struct HostileProviderTests {
  private static func have(_ change: (inout TransferFrame.Have) -> Void) throws -> [UInt8] {
    let layers = try BlobStoreConformance.tree(of: blob).layers
    var have = TransferFrame.Have(stream: 1, size: 200_000)
    have.layer = .init(level: .block, digests: layers.blocks)
    change(&have)
    return TransferFrame.have(have).framed
  }

  /// Greets, says what it has, then answers requests by `block`.
  private static func provider(
    have: [UInt8], block: @escaping @Sendable (Range<Int>) -> [UInt8]?
  ) -> @Sendable (FrameDecoder.Event) -> [UInt8]? {
    { event in
      switch event {
      case .frame(.hello): hello
      case .frame(.want): have
      case .frame(.blockRequest(_, let blocks)): block(blocks)
      default: []
      }
    }
  }

  @Test(arguments: Way.allCases) func badLayerBans(way: Way) async throws {
    let have = try Self.have { $0.layer?.digests[1] = .zero }
    let result = try await fetchFrom(way, script: Self.provider(have: have) { _ in [] })
    #expect(result.offence == .badLayer)
  }

  @Test(arguments: Way.allCases) func badBitSetBans(way: Way) async throws {
    let have = try Self.have { $0.blocks = [0xFF, 0xFF] }
    let result = try await fetchFrom(way, script: Self.provider(have: have) { _ in [] })
    #expect(result.offence == .badBitmap)
  }

  @Test(arguments: Way.allCases) func badBlockBans(way: Way) async throws {
    let wrong = [UInt8](repeating: 7, count: 65_536)
    let have = try Self.have { _ in }
    let result = try await fetchFrom(
      way,
      script: Self.provider(have: have) { blocks in
        let frame = TransferFrame.blockData(stream: 1, block: blocks.lowerBound, length: 65_536)
        return frame.framed + wrong
      })
    #expect(result.offence == .badBlock(0))
  }

  @Test(arguments: Way.allCases) func shortBlockBans(way: Way) async throws {
    let have = try Self.have { _ in }
    let result = try await fetchFrom(
      way,
      script: Self.provider(have: have) { _ in
        TransferFrame.blockData(stream: 1, block: 0, length: 10).framed
          + [UInt8](repeating: 7, count: 10)
      })
    #expect(result.offence == .badLength(block: 0, 10))
  }

  @Test(arguments: Way.allCases) func unaskedBlockBans(way: Way) async throws {
    let have = try Self.have { $0.blocks = [0b0000_0111] }
    let result = try await fetchFrom(
      way,
      script: Self.provider(have: have) { _ in
        TransferFrame.blockData(stream: 1, block: 3, length: 3_392).framed
          + [UInt8](repeating: 7, count: 3_392)
      })
    #expect(result.offence == .unasked)
  }

  @Test(arguments: Way.allCases) func truncatedBlockIsASilentPeer(way: Way) async throws {
    let have = try Self.have { _ in }
    let result = try await fetchFrom(
      way, times: quick,
      script: Self.provider(have: have) { _ in
        TransferFrame.blockData(stream: 1, block: 0, length: 65_536).framed
          + [UInt8](repeating: 7, count: 100)
      })
    #expect(result.error == .noProviders(banned: [:]))
  }

  @Test(arguments: Way.allCases) func answersForAnotherStreamEndTheConnection(way: Way) async throws
  {
    let have = try Self.have { $0.stream = 99 }
    let result = try await fetchFrom(way, script: Self.provider(have: have) { _ in [] })
    #expect(result.error == .noProviders(banned: [:]))
  }

  @Test(arguments: Way.allCases) func endlessSilenceEndsTheFetch(way: Way) async throws {
    let result = try await fetchFrom(way, times: quick, script: Self.provider(have: []) { _ in [] })
    #expect(result.error == .noProviders(banned: [:]))
  }

  @Test(arguments: Way.allCases) func connectionClosedHalfWayEndsTheFetch(way: Way) async throws {
    let have = try Self.have { _ in }
    let result = try await fetchFrom(way, script: Self.provider(have: have) { _ in nil })
    #expect(result.error == .noProviders(banned: [:]))
  }

  @Test(arguments: Way.allCases) func absurdSizeEndsTheConnection(way: Way) async throws {
    let have = try Self.have { $0.size = 1 << 60 }
    let result = try await fetchFrom(way, script: Self.provider(have: have) { _ in [] })
    #expect(result.error == .noProviders(banned: [:]))
  }

  @Test(arguments: Way.allCases) func garbageFramesEndTheFetch(way: Way) async throws {
    let garbage = BlobStoreConformance.content(size: 4_000, seed: 4)
    let result = try await fetchFrom(
      way, times: quick, script: Self.provider(have: garbage) { _ in [] })
    #expect(result.error == .noProviders(banned: [:]))
  }
}
