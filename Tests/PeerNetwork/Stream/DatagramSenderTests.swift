import Cryptography
import Glibc
import NIOCore
import NIOPosix
import Testing
import Wire

@testable import PeerNetwork

/// A plain socket on loopback that tells how each datagram was marked.
private final class MarkReader {
  private let descriptor: CInt
  let port: UInt16

  init(isIPv6: Bool) throws {
    let opened = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    try #require(opened >= 0)
    descriptor = opened
    var on: CInt = 1
    let size = socklen_t(MemoryLayout<CInt>.size)
    // IP_RECVTOS and IPV6_RECVTCLASS.
    let (level, name) = isIPv6 ? (CInt(IPPROTO_IPV6), CInt(66)) : (CInt(IPPROTO_IP), CInt(13))
    try #require(setsockopt(opened, level, name, &on, size) == 0)
    var time = timeval(tv_sec: 5, tv_usec: 0)
    let timeSize = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &time, timeSize)
    let address = try SocketAddress(ipAddress: isIPv6 ? "::1" : "127.0.0.1", port: 0)
    let bound = address.withSockAddr { bind(opened, $0, socklen_t($1)) }
    try #require(bound == 0)
    var bytes = [UInt8](repeating: 0, count: 28)
    var length = socklen_t(bytes.count)
    let status = bytes.withUnsafeMutableBytes { bytes in
      let pointer = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
      return pointer.map { getsockname(opened, $0, &length) }
    }
    try #require(status == 0)
    // The port lies at the same place in both families.
    port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
  }

  deinit { close(descriptor) }

  /// The length and the mark of the next datagram; nil after five seconds.
  func next() -> (length: Int, mark: UInt8)? {
    var bytes = [UInt8](repeating: 0, count: 2_048)
    var control = [UInt64](repeating: 0, count: 8)
    return bytes.withUnsafeMutableBytes { bytes in
      control.withUnsafeMutableBytes { control in
        var vector = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
        return withUnsafeMutablePointer(to: &vector) { vector in
          var message = msghdr()
          message.msg_iov = vector
          message.msg_iovlen = 1
          message.msg_control = control.baseAddress
          message.msg_controllen = control.count
          let length = recvmsg(descriptor, &message, 0)
          // One control message: 16 bytes of head, then the octet.
          guard length >= 0, message.msg_controllen > 16 else { return nil }
          return (length, control[16])
        }
      }
    }
  }
}

@Suite(.timeLimit(.minutes(1)))
struct DatagramSenderTests {
  private static let ways: [(bound: String, target: IPAddress)] = [
    ("127.0.0.1", .v4(0x7F00_0001)), ("::", .v4(0x7F00_0001)), ("::", .v6(0, 1)),
  ]

  @Test(arguments: ways, [(true, UInt8(4)), (false, UInt8(0))])
  func packetsInTheBackgroundYieldToAllOthers(
    way: (bound: String, target: IPAddress), kind: (isLowEffort: Bool, mark: UInt8)
  ) async throws {
    let isTargetV6 = way.target == .v6(0, 1)
    let reader = try MarkReader(isIPv6: isTargetV6)
    let isIPv6 = way.bound == "::"
    let channel = try await DatagramBootstrap(group: NIOSingletons.posixEventLoopGroup)
      .bind(host: way.bound, port: 0).get()
    let box = try #require(
      StreamBox(
        own: EphemeralKey(), peer: EphemeralKey().publicKey,
        sides: .init(
          opener: SigningKey.generate().publicKey, acceptor: SigningKey.generate().publicKey,
          openerSession: 1, acceptorSession: 2), isOpener: true))
    let address = Address(ip: way.target, port: reader.port)
    try await channel.eventLoop.submit {
      let sender = try DatagramSender(
        channel: channel, eventLoop: channel.eventLoop, isIPv6: isIPv6,
        isLowEffort: kind.isLowEffort
      ) {}
      // One alone, then two that the kernel may cut from one buffer.
      sender.add([UInt8](repeating: 1, count: 100), number: 0, box: box, to: address)
      sender.flush()
      for number in 1...2 as ClosedRange<UInt64> {
        sender.add([UInt8](repeating: 1, count: 200), number: number, box: box, to: address)
      }
      sender.flush()
      sender.close()
    }.get()
    for length in [100, 200, 200] {
      let datagram = try #require(reader.next())
      #expect(datagram.length == length + StreamBox.overhead)
      #expect(datagram.mark == kind.mark)
    }
    try await channel.close()
  }
}
