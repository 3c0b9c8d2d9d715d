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

  /// All was sent as it was written.
  func flush(context: ChannelHandlerContext) {}
}
