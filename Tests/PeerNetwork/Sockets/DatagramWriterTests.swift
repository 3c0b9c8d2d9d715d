import Glibc
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

  /// Streams on the same socket forbid fragments; a long datagram of the DHT may be cut, and leaves the
  /// socket as it was.
  @Test func aLongDatagramLeavesTheSearchForThePathsLengthAlone() async throws {
    let channel = try await DatagramBootstrap(group: NIOSingletons.posixEventLoopGroup)
      .bind(host: "127.0.0.1", port: 0) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(DatagramWriter())
          return try NIOAsyncChannel<Envelope, Envelope>(wrappingChannelSynchronously: channel)
        }
      }
    let own = try #require(channel.channel.localAddress)
    let payload = ByteBuffer(repeating: 7, count: 1_232)
    try await channel.executeThenClose { inbound, outbound in
      let before = try await discovery(of: channel.channel, set: 3)
      try await outbound.write(Envelope(remoteAddress: own, data: payload))
      for try await envelope in inbound {
        #expect(envelope.data == payload)
        break
      }
      let after = try await discovery(of: channel.channel)
      #expect(before == 3 && after == 3)
    }
  }

  /// The socket's IP_MTU_DISCOVER, after it was set.
  private func discovery(of channel: any Channel, set mode: CInt? = nil) async throws -> CInt {
    try await channel.eventLoop.submit {
      let operations = channel.pipeline.syncOperations
      let found = try operations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
      let socket = try #require(found)
      var size = socklen_t(MemoryLayout<CInt>.size)
      if var mode { setsockopt(socket, CInt(IPPROTO_IP), 10, &mode, size) }
      var value: CInt = -1
      getsockopt(socket, CInt(IPPROTO_IP), 10, &value, &size)
      return value
    }.get()
  }
}
