import NIOCore
import NIOPosix
import Testing

@testable import PeerNetwork

@Suite("Sending datagrams") struct DatagramWriterTests {
  typealias Envelope = AddressedEnvelope<ByteBuffer>

  /// A socket may not send to all hosts, nor to an address of a family it has not: neither is its end.
  @Test func whatTheKernelRefusesDoesNotCloseTheSocket() async throws {
    let channel = try await DatagramBootstrap(group: NIOSingletons.posixEventLoopGroup)
      .bind(host: "127.0.0.1", port: 0) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(DatagramWriter())
          return try NIOAsyncChannel<Envelope, Envelope>(wrappingChannelSynchronously: channel)
        }
      }
    let own = try #require(channel.channel.localAddress)
    let payload = ByteBuffer(string: "still here")
    try await channel.executeThenClose { inbound, outbound in
      for host in ["255.255.255.255", "::1", "0.0.0.1"] {
        let target = try SocketAddress(ipAddress: host, port: 9)
        try await outbound.write(Envelope(remoteAddress: target, data: payload))
      }
      try await outbound.write(Envelope(remoteAddress: own, data: payload))
      for try await envelope in inbound {
        #expect(envelope.data == payload)
        break
      }
      #expect(channel.channel.isActive)
    }
  }
}
