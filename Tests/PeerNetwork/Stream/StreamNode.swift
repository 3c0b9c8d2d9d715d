import Cryptography
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing
import Transfer
import Wire

@testable import PeerNetwork

/// A transfer service over UDP streams on a loopback port, with or without TCP.
struct StreamNode: Sendable {
  let transfer: TransferNode
  let streams: DatagramStreams
  let dht: DHTService

  var key: PublicKey { transfer.key }
  var store: MemoryBlobStore { transfer.store }
  var service: TransferService { transfer.service }

  init(
    listens: Bool = false, key: SigningKey = SigningKey.generate(), at ip: IPAddress? = nil,
    port: UInt16 = 0,
    store: MemoryBlobStore = MemoryBlobStore(),
    change: (inout DatagramStreams.Settings) -> Void = { _ in },
    times: (inout TransferSettings) -> Void = { _ in }
  ) throws {
    var settings = DatagramStreams.Settings()
    settings.stream.congestion = .foreground
    change(&settings)
    streams = DatagramStreams(key: key.publicKey, settings: settings)
    var datagrams = Loopback.settings
    datagrams.network = "test"
    datagrams.bind = Address(ip: ip ?? datagrams.bind.ip, port: port)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    dht = DHTService(
      identity: key, settings: datagrams, validator: TestStatements(), streams: streams,
      logger: logger)
    transfer = try TransferNode(store: store, identity: NodeIdentity(key), streams: streams) {
      times(&$0)
      if let ip { $0.bind = Address(ip: ip, port: 0) }
      if !listens { $0.bind = nil }
    }
  }

  /// This node as a provider by UDP alone, or by way of another address.
  func provider(by way: Address? = nil) async -> TransferService.Provider {
    let address = await dht.boundAddress
    return TransferService.Provider(
      key: key, addresses: (way ?? address).map { [$0] } ?? [])
  }
}

/// Starts the nodes, runs `body` beside them and stops them.
@discardableResult
func withStreams<Result: Sendable>(
  _ nodes: [StreamNode], _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  for node in nodes { try await node.dht.start() }
  return try await withThrowingTaskGroup(of: Result?.self) { group in
    for node in nodes {
      group.addTask {
        try? await node.dht.run()
        return nil
      }
    }
    group.addTask { try await withNodes(nodes.map(\.transfer), body) }
    while let result = try await group.next() {
      guard let result else { continue }
      group.cancelAll()
      return result
    }
    throw CancellationError()
  }
}

/// A way between one asker and a node on which every so many datagrams are lost or held up.
final class BadWay: ChannelInboundHandler, Sendable {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  private struct State {
    var asker: SocketAddress?
    var random = SplitMix64(seed: 7)
    var answers = 0
  }

  private let node: SocketAddress
  private let loss: Double
  private let lateness: Double
  private let longest: Int
  private let holdsAnswers: Bool
  private let mutesAfter: Int
  private let state = Mutex(State())

  init(
    to node: Address, loss: Double, lateness: Double, longest: Int, holdsAnswers: Bool,
    mutesAfter: Int
  ) throws {
    self.node = try #require(node.socketAddress(onIPv6: false))
    self.loss = loss
    self.lateness = lateness
    self.longest = longest
    self.holdsAnswers = holdsAnswers
    self.mutesAfter = mutesAfter
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    let (target, isLost, isLate) = state.withLock { state in
      let isFromNode = envelope.remoteAddress == node
      if !isFromNode { state.asker = envelope.remoteAddress }
      if isFromNode { state.answers += 1 }
      let isMute = isFromNode && state.answers > mutesAfter
      let isLost = isMute || Double.random(in: 0..<1, using: &state.random) < loss
      // What is no packet of a stream answers an opening.
      let isAnswer = envelope.data.getInteger(at: 0, as: UInt8.self) != StreamBox.kind
      let isHeld = holdsAnswers && isFromNode && isAnswer
      let isLate = isHeld || Double.random(in: 0..<1, using: &state.random) < lateness
      return (isFromNode ? state.asker : node, isLost, isLate)
    }
    guard let target, !isLost, envelope.data.readableBytes <= longest else { return }
    let onward = AddressedEnvelope(remoteAddress: target, data: envelope.data)
    guard isLate else {
      context.writeAndFlush(wrapOutboundOut(onward), promise: nil)
      return
    }
    let channel = context.channel
    context.eventLoop.scheduleTask(in: .milliseconds(15)) {
      channel.writeAndFlush(onward, promise: nil)
    }
  }

  /// Opens the way, runs `body` with its address and closes it.
  static func with<Result>(
    to node: Address, loss: Double = 0, lateness: Double = 0, longest: Int = 2_000,
    holdsAnswers: Bool = false, mutesAfter: Int = .max, _ body: (Address) async throws -> Result
  ) async throws -> Result {
    let way = try BadWay(
      to: node, loss: loss, lateness: lateness, longest: longest, holdsAnswers: holdsAnswers,
      mutesAfter: mutesAfter)
    let channel = try await DatagramBootstrap(group: NIOSingletons.posixEventLoopGroup)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 2_048))
      .channelInitializer { $0.pipeline.addHandler(way) }
      .bind(host: "127.0.0.1", port: 0).get()
    let address = try #require(channel.localAddress.flatMap { Address($0) })
    do {
      let result = try await body(address)
      try await channel.close()
      return result
    } catch {
      try await channel.close()
      throw error
    }
  }
}
