import Cryptography
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing
import Transfer
import Wire

@testable import PeerNetwork

/// What frames travel over.
enum Way: CaseIterable, Sendable {
  case tcp, udp
}

/// A peer that sends whatever a test wants, over TCP or over TLS with a node's certificate.
struct RawPeer: Sendable {
  typealias Bytes = NIOAsyncChannel<ByteBuffer, ByteBuffer>

  /// Connects to a node; without an identity there is no TLS.
  static func connect(to address: Address, as identity: NodeIdentity?) async throws -> Bytes {
    let context = try identity?.clientContext()
    return try await ClientBootstrap(group: NIOSingletons.posixEventLoopGroup)
      .connect(host: "\(address.ip)", port: Int(address.port)) { channel in
        channel.eventLoop.makeCompletedFuture {
          if let context {
            let pin = PeerKeyPin()
            let tls = try NIOSSLClientHandler(
              context: context, serverHostname: nil, customVerificationCallback: pin.verify)
            try channel.pipeline.syncOperations.addHandler(tls)
          }
          return try Bytes(wrappingChannelSynchronously: channel)
        }
      }
  }

  /// Sends bytes to a node and returns what it answered until it closed the connection.
  static func exchange(
    with address: Address, as identity: NodeIdentity?, sending parts: [[UInt8]]
  ) async throws -> [FrameDecoder.Event] {
    let channel = try await connect(to: address, as: identity)
    let received = Mutex(ByteBuffer())
    do {
      try await channel.executeThenClose { inbound, outbound in
        do {
          for part in parts { try await outbound.write(ByteBuffer(bytes: part)) }
        } catch {
          // The node has heard enough; what it said is still to be read.
        }
        for try await var bytes in inbound {
          received.withLock { _ = $0.writeBuffer(&bytes) }
        }
      }
    } catch {
      // A close without TLS's goodbye is a close, and so is one that comes before ours.
    }
    return try received.withLock { try events(of: &$0) }
  }

  /// The frames in some bytes.
  static func events(of bytes: inout ByteBuffer) throws -> [FrameDecoder.Event] {
    var decoder = FrameDecoder()
    var events: [FrameDecoder.Event] = []
    while bytes.readableBytes >= decoder.needed,
      let part = bytes.readBytes(length: decoder.needed)
    {
      if let event = try decoder.step(part) { events.append(event) }
    }
    return events
  }

  /// Listens as a provider that answers each connection with `script`, which gets the frames that
  /// came in so far and returns the bytes to send; nil closes the connection.
  static func serve(
    as identity: NodeIdentity, over way: Way = .tcp,
    script: @escaping @Sendable (FrameDecoder.Event) -> [UInt8]?,
    while body: @escaping @Sendable (Address) async throws -> Void
  ) async throws {
    switch way {
    case .tcp: try await serveStreams(as: identity, script: script, while: body)
    case .udp: try await serveDatagrams(as: identity, script: script, while: body)
    }
  }

  private static func serveDatagrams(
    as identity: NodeIdentity,
    script: @escaping @Sendable (FrameDecoder.Event) -> [UInt8]?,
    while body: @escaping @Sendable (Address) async throws -> Void
  ) async throws {
    let node = try StreamNode(key: identity.key)
    try await node.dht.start()
    let address = try #require(await node.dht.boundAddress)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try? await node.dht.run() }
      group.addTask {
        await withDiscardingTaskGroup { children in
          for await channel in node.streams.incoming {
            children.addTask {
              let bytes = try? await channel.eventLoop.submit {
                let bytes = try Bytes(wrappingChannelSynchronously: channel)
                channel.activate()
                return bytes
              }.get()
              if let bytes { await answer(bytes, script) }
            }
          }
        }
      }
      group.addTask { try await body(address) }
      try await group.next()
      group.cancelAll()
    }
  }

  private static func serveStreams(
    as identity: NodeIdentity,
    script: @escaping @Sendable (FrameDecoder.Event) -> [UInt8]?,
    while body: @escaping @Sendable (Address) async throws -> Void
  ) async throws {
    let context = try identity.serverContext()
    let listener = try await ServerBootstrap(group: NIOSingletons.posixEventLoopGroup)
      .bind(host: "127.0.0.1", port: 0) { channel in
        channel.eventLoop.makeCompletedFuture {
          let tls = NIOSSLServerHandler(
            context: context, customVerificationCallback: PeerKeyPin().verify)
          try channel.pipeline.syncOperations.addHandler(tls)
          return try Bytes(wrappingChannelSynchronously: channel)
        }
      }
    let port = UInt16(listener.channel.localAddress?.port ?? 0)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await listener.executeThenClose { inbound in
          await withDiscardingTaskGroup { children in
            do {
              for try await channel in inbound {
                children.addTask { await answer(channel, script) }
              }
            } catch {
              // The listener is closed.
            }
          }
        }
      }
      group.addTask { try await body(Address(ip: .v4(0x7F00_0001), port: port)) }
      // Whichever ends first ends the other; the listener ends only by cancellation.
      try await group.next()
      group.cancelAll()
    }
  }

  private static func answer(
    _ channel: Bytes, _ script: @Sendable (FrameDecoder.Event) -> [UInt8]?
  ) async {
    try? await channel.executeThenClose { inbound, outbound in
      var decoder = FrameDecoder()
      var buffer = ByteBuffer()
      for try await var bytes in inbound {
        buffer.writeBuffer(&bytes)
        while buffer.readableBytes >= decoder.needed,
          let part = buffer.readBytes(length: decoder.needed)
        {
          guard let event = try decoder.step(part) else { continue }
          guard let answer = script(event) else { return }
          if !answer.isEmpty { try await outbound.write(ByteBuffer(bytes: answer)) }
        }
      }
    }
  }
}
