import NIOCore
import Transfer

/// A frame on its way out, with the block that follows a `blockData`.
struct OutboundFrame: Sendable {
  var frame: TransferFrame
  var block: [UInt8] = []
}

/// Cuts the decrypted bytes of a connection into frames and watches its times.
///
/// A connection is closed when its first frame, a frame that began or a write takes too long, and
/// when nothing moves for the idle time: no peer holds memory or a socket by being slow.
final class TransferFrameHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = FrameDecoder.Event
  typealias OutboundIn = OutboundFrame
  typealias OutboundOut = ByteBuffer

  /// Why the handler closed the connection.
  enum Fault: Error, Equatable {
    case slowHandshake, slowFrame, slowReader, idle
  }

  private let settings: TransferSettings
  private var decoder = FrameDecoder()
  private var buffer = ByteBuffer()
  private var isBroken = false
  private var hasGreeted = false
  private var opened = NIODeadline.now()
  private var lastMoved = NIODeadline.now()
  private var frameBegan: NIODeadline?
  private var pendingWrites = 0
  private var lastWritten = NIODeadline.now()
  private var watch: RepeatedTask?

  init(settings: TransferSettings) {
    self.settings = settings
  }

  func handlerAdded(context: ChannelHandlerContext) {
    opened = .now()
    lastMoved = opened
    let times = [
      settings.handshakeTime, settings.frameTime, settings.writeTime, settings.idleTime,
    ]
    let shortest = times.min() ?? .seconds(1)
    let interval = TimeAmount(max(shortest / 2, .milliseconds(5)))
    let loop = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    watch = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
      let (handler, context) = loop.value
      handler.check(context)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    watch?.cancel()
    watch = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    watch?.cancel()
    watch = nil
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isBroken else { return }
    var bytes = unwrapInboundIn(data)
    if buffer.readableBytes == 0 { buffer = bytes } else { buffer.writeBuffer(&bytes) }
    while buffer.readableBytes >= decoder.needed,
      let part = buffer.readBytes(length: decoder.needed)
    {
      do {
        guard let event = try decoder.step(part) else { continue }
        hasGreeted = true
        frameBegan = nil
        lastMoved = .now()
        context.fireChannelRead(wrapInboundOut(event))
      } catch {
        return fail(context, error)
      }
    }
    if buffer.readableBytes == 0 {
      buffer.clear()
    } else {
      buffer.discardReadBytes()
    }
    let isWhole = buffer.readableBytes == 0 && decoder.isBetweenFrames
    frameBegan = isWhole ? nil : frameBegan ?? .now()
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let out = unwrapOutboundIn(data)
    let header = out.frame.framed
    var bytes = context.channel.allocator.buffer(capacity: header.count + out.block.count)
    bytes.writeBytes(header)
    bytes.writeBytes(out.block)
    if pendingWrites == 0 { lastWritten = .now() }
    pendingWrites += 1
    let written = promise ?? context.eventLoop.makePromise(of: Void.self)
    let loop = NIOLoopBound(self, eventLoop: context.eventLoop)
    written.futureResult.whenComplete { _ in
      let handler = loop.value
      handler.pendingWrites -= 1
      handler.lastWritten = .now()
      handler.lastMoved = handler.lastWritten
    }
    context.write(wrapOutboundOut(bytes), promise: written)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    isBroken = true
    context.fireErrorCaught(error)
    context.close(promise: nil)
  }

  private func check(_ context: ChannelHandlerContext) {
    let now = NIODeadline.now()
    if !hasGreeted, now - opened > TimeAmount(settings.handshakeTime) {
      fail(context, Fault.slowHandshake)
    } else if let began = frameBegan, now - began > TimeAmount(settings.frameTime) {
      fail(context, Fault.slowFrame)
    } else if pendingWrites > 0, now - lastWritten > TimeAmount(settings.writeTime) {
      fail(context, Fault.slowReader)
    } else if now - lastMoved > TimeAmount(settings.idleTime) {
      fail(context, Fault.idle)
    }
  }

  private func fail(_ context: ChannelHandlerContext, _ error: any Error) {
    isBroken = true
    buffer = ByteBuffer()
    context.fireErrorCaught(error)
    context.close(mode: .all, promise: nil)
  }
}

/// Keeps one failed accept from ending the listening socket.
final class AcceptErrorHandler: ChannelInboundHandler {
  typealias InboundIn = any Channel

  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
