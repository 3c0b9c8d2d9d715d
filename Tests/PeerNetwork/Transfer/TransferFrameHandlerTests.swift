import NIOCore
import NIOEmbedded
import Synchronization
import Testing
import Transfer
import Wire

@testable import PeerNetwork

/// Keeps written bytes back as a full socket does, until it is told to let them go.
private final class FullSocket: ChannelOutboundHandler {
  typealias OutboundIn = ByteBuffer

  private var held: [EventLoopPromise<Void>] = []

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if let promise { held.append(promise) }
  }

  func letGo() {
    let promises = held
    held = []
    for promise in promises { promise.succeed(()) }
  }
}

/// A frame handler over a full socket, with a clock that stands until it is moved.
private struct Conversation {
  let channel = EmbeddedChannel()
  let socket = FullSocket()
  let window = SendWindow()

  init() throws {
    var settings = TransferSettings()
    settings.handshakeTime = .seconds(10)
    settings.frameTime = .seconds(20)
    settings.writeTime = .seconds(30)
    settings.idleTime = .seconds(100)
    try channel.pipeline.syncOperations.addHandler(socket)
    try channel.pipeline.syncOperations.addHandler(
      TransferFrameHandler(settings: settings, window: window))
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
  }

  func receive(_ bytes: [UInt8]) throws {
    try channel.writeInbound(ByteBuffer(bytes: bytes))
  }

  func greet() throws {
    try receive(TransferFrame.hello(.init(network: "test", credit: 8)).framed)
  }

  func send() {
    channel.writeAndFlush(OutboundFrame.frame(.choke), promise: nil)
  }

  /// Lets time pass; returns why the handler closed the connection, if it did.
  func wait(_ seconds: Int64) -> TransferFrameHandler.Fault? {
    channel.embeddedEventLoop.advanceTime(by: .seconds(seconds))
    do {
      try channel.throwIfErrorCaught()
    } catch {
      return error as? TransferFrameHandler.Fault
    }
    return nil
  }
}

@Suite struct TransferFrameHandlerTests {
  @Test func greetingMustComeInTime() throws {
    let conversation = try Conversation()
    #expect(conversation.wait(9) == nil)
    #expect(conversation.wait(10) == .slowHandshake)
    #expect(!conversation.channel.isActive)
  }

  @Test func frameThatBeganMustEndInTime() throws {
    let conversation = try Conversation()
    try conversation.greet()
    try conversation.receive([0, 0])
    #expect(conversation.wait(19) == nil)
    try conversation.receive([0])
    #expect(conversation.wait(10) == .slowFrame)
  }

  @Test func readerMustTakeWhatIsWrittenInTime() throws {
    let conversation = try Conversation()
    try conversation.greet()
    conversation.send()
    #expect(conversation.wait(29) == nil)
    conversation.socket.letGo()
    conversation.send()
    #expect(conversation.wait(29) == nil)
    #expect(conversation.wait(10) == .slowReader)
  }

  @Test func writeThatWaitsForTheHandshakeBlamesNoReader() throws {
    let conversation = try Conversation()
    conversation.send()
    #expect(conversation.wait(9) == nil)
    try conversation.greet()
    #expect(conversation.wait(29) == nil)
    #expect(conversation.wait(10) == .slowReader)
  }

  @Test func blocksAreOnTheirWayUntilTheSocketTookThem() throws {
    let conversation = try Conversation()
    let rings = Atomic(0)
    conversation.window.notify { rings.add(1, ordering: .relaxed) }
    let blocks = OutboundFrame.blocks(
      stream: 1, first: 0, bytes: [UInt8](repeating: 7, count: 100_000))
    conversation.window.began(blocks.payload)
    conversation.channel.writeAndFlush(blocks, promise: nil)
    conversation.send()
    #expect(conversation.window.bytes == 100_000)
    #expect(rings.load(ordering: .relaxed) == 0)
    conversation.socket.letGo()
    #expect(conversation.window.bytes == 0)
    #expect(rings.load(ordering: .relaxed) == 1)
  }

  @Test func connectionWithoutAFrameEnds() throws {
    let conversation = try Conversation()
    try conversation.greet()
    #expect(conversation.wait(99) == nil)
    #expect(conversation.wait(10) == .idle)
  }
}
