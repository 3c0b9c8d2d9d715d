import NIOCore
import NIOPosix
import Synchronization
import Testing
import Wire

@testable import PeerNetwork

/// A way between one asker and a node whose ends both get another address after some datagrams, as
/// when a router forgets a mapping or a machine changes its network.
final class MovingWay: Sendable {
  private struct State {
    var channels: [any Channel] = []
    var asker: SocketAddress?
    var count = 0
    var arrived = [0, 0]
  }

  private let node: SocketAddress
  private let movesAfter: Int
  private let state = Mutex(State())

  private init(to node: Address, movesAfter: Int) throws {
    self.node = try #require(node.socketAddress(onIPv6: false))
    self.movesAfter = movesAfter
  }

  /// The datagrams that came to the second address: those of who knows that the other is there now.
  var arrivedAtSecond: Int { state.withLock { $0.arrived[1] } }

  /// Opens the way, runs `body` with its first address and closes it.
  static func with<Result>(
    to node: Address, movesAfter: Int, _ body: (Address, MovingWay) async throws -> Result
  ) async throws -> Result {
    let way = try MovingWay(to: node, movesAfter: movesAfter)
    for index in 0..<2 {
      let channel = try await DatagramBootstrap(group: NIOSingletons.posixEventLoopGroup)
        .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 2_048))
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(Relay(way: way, index: index))
          }
        }
        .bind(host: "127.0.0.1", port: 0).get()
      way.state.withLock { $0.channels.append(channel) }
    }
    let channels = way.state.withLock { $0.channels }
    let address = try #require(channels[0].localAddress.flatMap { Address($0) })
    do {
      let result = try await body(address, way)
      for channel in channels { try await channel.close() }
      return result
    } catch {
      for channel in channels { try? await channel.close() }
      throw error
    }
  }

  private func pass(_ envelope: AddressedEnvelope<ByteBuffer>, arrivedAt index: Int) {
    let (channel, target) = state.withLock { state in
      state.count += 1
      state.arrived[index] += 1
      let isFromNode = envelope.remoteAddress == node
      if !isFromNode { state.asker = envelope.remoteAddress }
      let current = state.count > movesAfter ? 1 : 0
      let channel = current < state.channels.count ? state.channels[current] : nil
      return (channel, isFromNode ? state.asker : node)
    }
    guard let channel, let target else { return }
    channel.writeAndFlush(
      AddressedEnvelope(remoteAddress: target, data: envelope.data), promise: nil)
  }

  private final class Relay: ChannelInboundHandler, Sendable {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let way: MovingWay
    private let index: Int

    init(way: MovingWay, index: Int) {
      self.way = way
      self.index = index
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      way.pass(unwrapInboundIn(data), arrivedAt: index)
    }
  }
}
