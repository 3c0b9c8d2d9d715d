import Cryptography
import DHT
import Logging
import NIOCore
import NIOPosix
import Testing
import Wire

@testable import PeerNetwork

/// Statements whose body is key, slot, sequence and expiry: all that the DHT looks at.
struct TestStatements: RecordValidator {
  static func make(
    key: Bytes32, slot: Bytes32 = .zero, sequence: UInt64 = 1, expires: Timestamp,
    with issuer: SigningKey
  ) throws -> [UInt8] {
    var body = key.bytes + slot.bytes
    body += withUnsafeBytes(of: sequence.bigEndian) { Array($0) }
    body += withUnsafeBytes(of: expires.seconds.bigEndian) { Array($0) }
    body += [UInt8](repeating: 0, count: 300)
    return try SignedRecord(signing: body, kind: .buildStatement, with: issuer).encoded
  }

  func validate(
    _ bytes: [UInt8], kind: RecordKind, now: Timestamp
  ) throws(RecordRejection) -> Record {
    let envelope: SignedRecord
    do {
      envelope = try SignedRecord(verifying: bytes)
    } catch {
      throw error == .badSignature ? .badSignature : .malformed
    }
    let body = envelope.body
    guard envelope.kind == .buildStatement, body.count >= 80, let key = Bytes32(body[..<32]),
      let slot = Bytes32(body[32..<64])
    else { throw .malformed }
    let expires = Timestamp(Int64(bitPattern: number(body[72..<80])))
    guard expires > now else { throw .expired }
    return Record(
      key: key, kind: .statement, publisher: envelope.signer, slot: slot,
      sequence: number(body[64..<72]), expires: expires, bytes: bytes)
  }

  private func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// Nodes on loopback that run while a test's body does.
enum Loopback {
  static var settings: DHTSettings {
    var settings = DHTSettings()
    settings.bind = Address(ip: .v4(0x7F00_0001), port: 0)
    settings.firstJoinPause = .milliseconds(50)
    settings.longestJoinPause = .milliseconds(200)
    return settings
  }

  static func key(_ number: UInt8) throws -> SigningKey {
    try #require(SigningKey(seed: [UInt8](repeating: number, count: 32)))
  }

  static func node(
    _ number: UInt8, settings: DHTSettings = Loopback.settings, contacts: [Contact] = [],
    publisher: Publisher = Publisher()
  ) throws -> DHTService {
    DHTService(
      identity: try key(number), settings: settings, validator: TestStatements(),
      contacts: contacts, publisher: publisher, logger: Logger(label: "test"))
  }

  /// The peer that a started node is for others.
  static func peer(_ node: DHTService) async throws -> BootstrapPeer {
    let bound = try #require(await node.boundAddress)
    return BootstrapPeer(key: node.key, host: "\(bound.ip)", port: bound.port)
  }

  /// Starts the nodes, joins all of them through the first, runs the body, and stops them.
  static func run(
    _ nodes: [DHTService], _ body: @Sendable ([DHTService]) async throws -> Void
  ) async throws {
    for node in nodes { try await node.start() }
    let first = try await peer(nodes[0])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for node in nodes {
        group.addTask { try await node.run() }
        if node.key != nodes[0].key { await node.bootstrap([first]) }
      }
      if nodes.count > 1 {
        for node in nodes { try await eventually { await node.snapshot.isJoined } }
      }
      try await body(nodes)
      group.cancelAll()
      while let result = await group.nextResult() {
        if case .failure(let error) = result, !(error is CancellationError) { throw error }
      }
    }
  }

  /// Waits until a condition holds, for at most a minute: a bound for what hangs, not a speed.
  static func eventually(_ condition: () async -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
      if await condition() { return }
      try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("the condition did not come to hold within a minute")
  }

  /// Seals a message as these sessions' owner.
  static func seal(
    _ message: [UInt8], to key: PublicKey, at address: Address,
    with sessions: inout DatagramSessions
  ) throws -> [UInt8] {
    let packet = sessions.seal(message, to: key, at: address)
    return try #require(packet)
  }

  /// Sends datagrams from one fresh socket, then reads the given number of answers.
  static func exchange(
    _ packets: [[UInt8]], to address: Address, answers: Int
  ) async throws -> [[UInt8]] {
    let target = try #require(address.socketAddress(onIPv6: false))
    let channel = try await DatagramBootstrap(group: NIOSingletons.posixEventLoopGroup)
      .bind(host: "127.0.0.1", port: 0) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<AddressedEnvelope<ByteBuffer>, AddressedEnvelope<ByteBuffer>>(
            wrappingChannelSynchronously: channel)
        }
      }
    return try await channel.executeThenClose { inbound, outbound in
      for packet in packets {
        try await outbound.write(
          AddressedEnvelope(remoteAddress: target, data: ByteBuffer(bytes: packet)))
      }
      var read: [[UInt8]] = []
      guard answers > 0 else { return read }
      for try await envelope in inbound {
        read.append(Array(envelope.data.readableBytesView))
        if read.count == answers { break }
      }
      return read
    }
  }
}
