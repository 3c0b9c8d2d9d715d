import NIOCore
import Transfer
import Wire

/// Cuts the decrypted bytes of a connection into frames and watches its times.
///
/// A connection is closed when its first frame, a frame that began or a write takes too long, and
/// when nothing moves for the idle time: no peer holds memory or a socket by being slow.
final class TransferFrameHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = InboundEvent
  typealias OutboundIn = OutboundFrame
  typealias OutboundOut = ByteBuffer

  /// Why the handler closed the connection.
  enum Fault: Error, Equatable {
    case slowHandshake, slowFrame, slowReader, idle
  }

  private let settings: TransferSettings
  private let window: SendWindow
  private var decoder = FrameDecoder()
  /// The bytes of the decoder's next step, as far as they are here: those of a block go from what TLS
  /// decrypted straight to where they are hashed and written from.
  private var part: [UInt8] = []
  /// Blocks of one stream that came in together.
  private var run: (stream: UInt32, blocks: [ReceivedBlock]) = (0, [])
  private var isBroken = false
  private var hasGreeted = false
  private var opened = NIODeadline.uptimeNanoseconds(0)
  private var lastMoved = NIODeadline.uptimeNanoseconds(0)
  private var frameBegan: NIODeadline?
  private var pendingWrites = 0
  private var lastWritten = NIODeadline.uptimeNanoseconds(0)
  private var watch: RepeatedTask?

  init(settings: TransferSettings, window: SendWindow) {
    self.settings = settings
    self.window = window
  }

  func handlerAdded(context: ChannelHandlerContext) {
    opened = context.eventLoop.now
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
    let bytes = unwrapInboundIn(data)
    let isFine = bytes.withUnsafeReadableBytes { take($0[...], context) }
    guard isFine else { return }
    let isWhole = part.isEmpty && decoder.isBetweenFrames
    frameBegan = isWhole ? nil : frameBegan ?? context.eventLoop.now
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    passOn(context)
    context.fireChannelReadComplete()
  }

  /// Cuts the bytes into frames and blocks; returns whether they made sense.
  private func take(
    _ bytes: Slice<UnsafeRawBufferPointer>, _ context: ChannelHandlerContext
  ) -> Bool {
    var bytes = bytes
    while !bytes.isEmpty {
      let needed = decoder.needed
      let next = bytes.prefix(needed - part.count)
      bytes = bytes.dropFirst(next.count)
      // What a peer announces takes memory only as far as it sends it: at most a step is kept.
      if part.isEmpty { part.reserveCapacity(needed) }
      part.append(contentsOf: UnsafeRawBufferPointer(rebasing: next))
      guard part.count == needed else { break }
      let whole = part
      part = []
      do {
        guard let event = try decoder.step(whole) else { continue }
        frameBegan = nil
        lastMoved = context.eventLoop.now
        // What waited for the handshake has waited for no reader.
        if !hasGreeted { lastWritten = lastMoved }
        hasGreeted = true
        add(event, context)
      } catch {
        fail(context, error)
        return false
      }
    }
    return true
  }

  private func add(_ event: FrameDecoder.Event, _ context: ChannelHandlerContext) {
    switch event {
    case .frame(let frame):
      passOn(context)
      context.fireChannelRead(wrapInboundOut(.frame(frame)))
    case .block(let stream, let index, let bytes):
      if run.stream != stream || run.blocks.count == Self.longestRun { passOn(context) }
      run.stream = stream
      run.blocks.append(ReceivedBlock(index: index, bytes: bytes))
    }
  }

  /// Hands on the blocks that came in together.
  private func passOn(_ context: ChannelHandlerContext) {
    guard !run.blocks.isEmpty else { return }
    let event = InboundEvent.blocks(stream: run.stream, run.blocks)
    run.blocks = []
    context.fireChannelRead(wrapInboundOut(event))
  }

  /// The most blocks that are handed on at once: enough that what a hand-over costs does not count.
  private static let longestRun = 8

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let frame = unwrapOutboundIn(data)
    let payload = frame.payload
    let bytes = encode(frame, context.channel.allocator)
    if pendingWrites == 0 { lastWritten = context.eventLoop.now }
    pendingWrites += 1
    let written = promise ?? context.eventLoop.makePromise(of: Void.self)
    let eventLoop = context.eventLoop
    let loop = NIOLoopBound(self, eventLoop: eventLoop)
    written.futureResult.whenComplete { _ in
      let handler = loop.value
      handler.pendingWrites -= 1
      handler.lastWritten = eventLoop.now
      handler.lastMoved = handler.lastWritten
      if payload > 0 { handler.window.ended(payload) }
    }
    context.write(wrapOutboundOut(bytes), promise: written)
  }

  private func encode(_ out: OutboundFrame, _ allocator: ByteBufferAllocator) -> ByteBuffer {
    switch out {
    case .frame(let frame):
      return allocator.buffer(bytes: frame.framed)
    case .blocks(let stream, let first, let bytes):
      let count = (bytes.count + Limits.block - 1) / Limits.block
      var buffer = allocator.buffer(capacity: bytes.count + 32 * count)
      bytes.withUnsafeBytes { bytes in
        for offset in 0..<count {
          let start = offset * Limits.block
          let block = bytes[start..<min(start + Limits.block, bytes.count)]
          let header = TransferFrame.blockData(
            stream: stream, block: first + offset, length: block.count)
          buffer.writeBytes(header.framed)
          buffer.writeBytes(UnsafeRawBufferPointer(rebasing: block))
        }
      }
      return buffer
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    isBroken = true
    context.fireErrorCaught(error)
    context.close(promise: nil)
  }

  private func check(_ context: ChannelHandlerContext) {
    let now = context.eventLoop.now
    if !hasGreeted {
      if now - opened > TimeAmount(settings.handshakeTime) { fail(context, Fault.slowHandshake) }
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
    part = []
    run.blocks = []
    context.fireErrorCaught(error)
    context.close(mode: .all, promise: nil)
  }
}

/// Keeps one failed accept from ending the listening socket.
final class AcceptErrorHandler: ChannelInboundHandler {
  typealias InboundIn = any Channel

  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
