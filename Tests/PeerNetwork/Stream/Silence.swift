import NIOCore
import NIOPosix
import Testing
import Wire

@testable import PeerNetwork

/// UDP sockets on loopback that answer nothing, as hosts that are gone.
struct Silence: Sendable {
  private let channels: [any Channel]
  let addresses: [Address]

  static func open(_ count: Int) async throws -> Silence {
    var channels: [any Channel] = []
    var addresses: [Address] = []
    for _ in 0..<count {
      let channel = try await DatagramBootstrap(group: NIOSingletons.posixEventLoopGroup)
        .bind(host: "127.0.0.1", port: 0).get()
      channels.append(channel)
      addresses.append(try #require(channel.localAddress.flatMap { Address($0) }))
    }
    return Silence(channels: channels, addresses: addresses)
  }

  func close() async throws {
    for channel in channels { try await channel.close() }
  }
}
