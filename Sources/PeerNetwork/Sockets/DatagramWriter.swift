import Glibc
import NIOCore

/// Sends what is written to a UDP channel by system calls of its own: last in the pipeline's way out.
///
/// NIO closes a datagram channel on most errors of sending. But where a datagram goes others have a say
/// in, and an address that this machine can't or mustn't send to (no route, a broadcast address, a
/// firewall's rule) is no reason to lose the socket. What the kernel does not take is lost, as any
/// datagram may be.
final class DatagramWriter: ChannelOutboundHandler {
  typealias OutboundIn = AddressedEnvelope<ByteBuffer>

  private var socket: CInt?
  /// Datagrams that the kernel did not take.
  private(set) var refused = 0

  func handlerAdded(context: ChannelHandlerContext) {
    let operations = context.channel.pipeline.syncOperations
    socket = try? operations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
  }

  /// The descriptor may be another file's from now on.
  func handlerRemoved(context: ChannelHandlerContext) {
    socket = nil
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    socket = nil
    context.close(mode: mode, promise: promise)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard let socket else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    let envelope = unwrapOutboundIn(data)
    let mode = envelope.data.readableBytes > Self.unfragmented ? allowFragments(of: socket) : nil
    defer { if let mode { setDiscovery(mode, of: socket) } }
    let sent = envelope.data.withUnsafeReadableBytes { bytes in
      envelope.remoteAddress.withSockAddr { name, size in
        sendto(
          socket, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL), name,
          socklen_t(size))
      }
    }
    if sent < 0 { refused += 1 }
    promise?.succeed()
  }

  /// What every IPv4 path carries in practice. IPv6 paths carry each of the DHT's datagrams.
  private static let unfragmented = 1_024

  /// Lets routers cut a datagram of the DHT: the streams on the same socket forbid it for their search for
  /// the path's length. Returns what to set afterwards; nil for nothing.
  private func allowFragments(of socket: CInt) -> CInt? {
    var mode: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    guard getsockopt(socket, CInt(IPPROTO_IP), discoveryOption, &mode, &size) == 0, mode >= 2 else {
      return nil
    }
    setDiscovery(0, of: socket)
    return mode
  }

  private func setDiscovery(_ mode: CInt, of socket: CInt) {
    var mode = mode
    let size = socklen_t(MemoryLayout<CInt>.size)
    setsockopt(socket, CInt(IPPROTO_IP), discoveryOption, &mode, size)
  }

  /// All was sent as it was written.
  func flush(context: ChannelHandlerContext) {}
}

/// IP_MTU_DISCOVER of linux/in.h.
private let discoveryOption: CInt = 10
