import Cryptography
import DequeModule
import NIOCore
import Synchronization
import Transfer
import Wire

/// One UDP stream as a channel, so that the frames above it are handled as above TCP.
///
/// Everything but `isActive` and `isWritable` belongs to the event loop of the UDP socket.
final class DatagramStreamChannel: Channel, ChannelCore, @unchecked Sendable {
  // SAFETY: the mutable state is used on `eventLoop` only, as NIO calls a channel's core and as the
  // multiplexer, a handler on the same loop, calls the rest; the two flags are atomic.

  /// Bytes that wait to be taken by the stream before writers are told to stop, and to go on.
  private static let highWater = 128 << 10
  private static let lowWater = 64 << 10
  /// What is handed up at once.
  private static let readSize = 256 << 10
  /// Less than that is handed up at most once in this time: each time wakes those who wait above.
  private static let gatherTime = Duration.milliseconds(1)

  let session: UInt64
  /// The key of the other side, proven by the opening exchange.
  let peer: PublicKey
  let isOutgoing: Bool
  /// By what way its packets go.
  let mark = WayMark(.udp)
  /// How long after our first OPEN the one left that was answered, if something tells.
  var lateness: Duration?
  /// Whether the peer knocked at one of many ports.
  var isProbed = false
  let eventLoop: any EventLoop
  let allocator: ByteBufferAllocator
  let parent: (any Channel)?
  private let closePromise: EventLoopPromise<Void>
  private(set) lazy var pipeline = ChannelPipeline(channel: self)

  private weak var multiplexer: StreamMultiplexer?
  private var stream: ReliableStream
  private let box: StreamBox
  private var frames: [UInt8] = []
  private let active = Atomic<Bool>(false)
  private let writable = Atomic<Bool>(true)
  private var isOpen = true
  private var autoRead = true
  private var wantsRead = false
  private var isReading = false
  private var pending: Deque<(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)> = []
  private var pendingBytes = 0
  private var flushed = 0
  private var timer: Scheduled<Void>?
  private var timerDue = Instant(nanoseconds: .max)
  private var lingersUntil: Instant?
  private var deliveredAt = Instant.zero
  private var gathersUntil: Instant?
  /// Whether packets came for it in this turn of the loop.
  var isTouched = false

  init(
    parent: any Channel, multiplexer: StreamMultiplexer, session: UInt64, stream: ReliableStream,
    box: StreamBox, peer: PublicKey, isOutgoing: Bool
  ) {
    self.parent = parent
    self.multiplexer = multiplexer
    self.session = session
    self.stream = stream
    memory = stream.memoryLimit
    self.box = box
    self.peer = peer
    self.isOutgoing = isOutgoing
    eventLoop = parent.eventLoop
    allocator = parent.allocator
    closePromise = parent.eventLoop.makePromise()
    _ = pipeline
  }

  // MARK: Channel

  var closeFuture: EventLoopFuture<Void> { closePromise.futureResult }
  var localAddress: SocketAddress? { parent?.localAddress }
  var remoteAddress: SocketAddress? { nil }
  var isWritable: Bool { writable.load(ordering: .relaxed) }
  var isActive: Bool { active.load(ordering: .relaxed) }
  var _channelCore: any ChannelCore { self }

  /// The most bytes that it keeps, both ways together.
  let memory: Int

  /// Where the peer is.
  var address: Address { stream.path }

  func setOption<Option: ChannelOption>(
    _ option: Option, value: Option.Value
  ) -> EventLoopFuture<Void> {
    eventLoop.submit {
      guard option is ChannelOptions.Types.AutoReadOption, let value = value as? Bool else {
        return
      }
      self.autoRead = value
      if value { self.read0() }
    }
  }

  func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
    eventLoop.submit {
      guard option is ChannelOptions.Types.AutoReadOption,
        let value = self.autoRead as? Option.Value
      else { throw ChannelError.operationUnsupported }
      return value
    }
  }

  // MARK: Life

  /// Lets the pipeline, whose handlers are in place, read and write.
  func activate() {
    eventLoop.preconditionInEventLoop()
    guard isOpen, !isActive else { return }
    active.store(true, ordering: .relaxed)
    pipeline.fireChannelActive()
    if autoRead { pipeline.read() }
    pump()
  }

  /// Sends something at once, so that the peer knows that the stream stands.
  func greet() {
    stream.greet()
    pump()
  }

  /// Asks the peer to prove that it is reached at another address, and goes on there if it does.
  func look(at address: Address) {
    eventLoop.execute {
      guard self.isOpen else { return }
      var random = SystemRandomNumberGenerator()
      self.stream.look(at: address, now: .uptime, using: &random)
      self.pump()
    }
  }

  /// The socket is gone.
  func abandon() {
    stream.reset(0, now: .uptime)
    close(with: ChannelError.eof)
    finishLingering()
  }

  /// Takes in a packet; returns whether it was one. `scratch` is for its frames.
  func receive(
    _ packet: UnsafeRawBufferPointer, number: UInt64, from address: Address,
    _ scratch: inout [UInt8], _ random: inout SystemRandomNumberGenerator
  ) -> Bool {
    guard !stream.hasSeen(number), box.open(packet, number: number, into: &scratch) else {
      return false
    }
    let count = packet.count - StreamBox.overhead
    // What was under way by the relay when the stream left it must not lead it back there.
    let address = isByRelay(address) && !isByRelay(stream.path) ? stream.path : address
    scratch.withUnsafeBytes { frames in
      stream.receive(
        UnsafeRawBufferPointer(rebasing: frames[..<count]), number: number, from: address,
        now: .uptime, using: &random)
    }
    return true
  }

  private func isByRelay(_ address: Address) -> Bool {
    address.detour != nil && !(multiplexer?.detours.isSocket(address) ?? false)
  }

  /// Does everything that can be done now: takes in what was written, hands up what came, sends what
  /// may leave, and sets the timer.
  func pump() {
    takeWrites()
    deliver()
    send()
    settle()
  }

  private func takeWrites() {
    var room = stream.writable
    while flushed > 0, room > 0, let (first, promise) = pending.popFirst() {
      var bytes = first
      let count = min(room, bytes.readableBytes)
      bytes.readWithUnsafeReadableBytes { all in
        stream.write(UnsafeRawBufferPointer(rebasing: all[..<count]))
        return count
      }
      room -= count
      pendingBytes -= count
      if bytes.readableBytes > 0 {
        pending.prepend((bytes, promise))
      } else {
        flushed -= 1
        promise?.succeed()
      }
    }
    if !isWritable, pendingBytes <= Self.lowWater {
      writable.store(true, ordering: .relaxed)
      if isActive { pipeline.fireChannelWritabilityChanged() }
    }
  }

  private func deliver() {
    gathersUntil = nil
    guard isActive, !isReading else { return }
    isReading = true
    defer { isReading = false }
    while isActive, wantsRead, stream.readable > 0 {
      let now = Instant.uptime
      let next = deliveredAt + Self.gatherTime
      guard stream.readable >= Self.readSize || stream.isComplete || now >= next else {
        gathersUntil = next
        break
      }
      deliveredAt = now
      wantsRead = false
      var bytes = allocator.buffer(capacity: min(stream.readable, Self.readSize))
      stream.read(Self.readSize, now: now) { bytes.writeBytes($0) }
      pipeline.fireChannelRead(bytes)
      pipeline.fireChannelReadComplete()
      if autoRead, isActive { pipeline.read() }
    }
    if isActive, stream.isAtEnd { close(with: ChannelError.eof) }
  }

  private func send() {
    guard let multiplexer, let sender = multiplexer.senderForStreams() else { return }
    while !sender.isBlocked, let packet = stream.nextPacket(now: .uptime, into: &frames) {
      multiplexer.send(frames, number: packet.number, box: box, to: packet.address, sender)
      frames.removeAll(keepingCapacity: true)
    }
    sender.flush()
  }

  /// Looks whether the stream ended, and else sets the timer.
  private func settle() {
    if mark.way == .relayed {
      if address.detour == nil {
        mark.way = isProbed ? .probed : .punched
      } else if multiplexer?.detours.isSocket(address) ?? false {
        mark.way = .probed
      }
    }
    let now = Instant.uptime
    if let outcome = stream.outcome, outcome != .finished, isOpen {
      if let failure = StreamFailure(outcome) {
        multiplexer?.note(failure)
        if isActive { pipeline.fireErrorCaught(failure) }
        close(with: failure)
      } else {
        close(with: ChannelError.eof)
      }
    }
    if !isOpen, stream.isGone(now: now) || lingersUntil.map({ $0 <= now }) ?? false {
      return finishLingering()
    }
    rearm()
  }

  private func finishLingering() {
    timer?.cancel()
    timer = nil
    multiplexer?.remove(session)
  }

  /// Sets the timer for the stream's next deadline; an earlier one that fires for nothing sets it anew.
  func rearm() {
    var due = max(stream.nextDeadline, Instant.uptime + .microseconds(50))
    if let lingersUntil { due = min(due, lingersUntil) }
    if let gathersUntil { due = min(due, gathersUntil) }
    guard timer == nil || due < timerDue else { return }
    timer?.cancel()
    timerDue = due
    let deadline = NIODeadline.uptimeNanoseconds(due.nanoseconds)
    timer = eventLoop.scheduleTask(deadline: deadline) { [weak self] in
      guard let self else { return }
      self.timer = nil
      self.stream.tick(now: .uptime)
      self.pump()
    }
  }

  /// Closes for the pipeline; the stream goes on until its last bytes arrived.
  private func close(with error: any Error) {
    guard isOpen else { return }
    isOpen = false
    let waiting = pending
    pending = []
    for (index, write) in waiting.enumerated() {
      // What was flushed still leaves: a goodbye, mostly.
      if index < flushed {
        write.bytes.withUnsafeReadableBytes { stream.write($0) }
        write.promise?.succeed()
      } else {
        write.promise?.fail(error)
      }
    }
    pendingBytes = 0
    flushed = 0
    stream.finish()
    lingersUntil = Instant.uptime + (multiplexer?.settings.lingerTime ?? .zero)
    let wasActive = active.exchange(false, ordering: .relaxed)
    if wasActive { pipeline.fireChannelInactive() }
    pipeline.fireChannelUnregistered()
    let loop = NIOLoopBound(self, eventLoop: eventLoop)
    eventLoop.execute {
      let channel = loop.value
      channel.removeHandlers(pipeline: channel.pipeline)
      channel.closePromise.succeed()
    }
    send()
    settle()
  }

  // MARK: ChannelCore

  func localAddress0() throws -> SocketAddress { throw ChannelError.unknownLocalAddress }
  func remoteAddress0() throws -> SocketAddress { throw ChannelError.operationUnsupported }

  func register0(promise: EventLoopPromise<Void>?) {
    promise?.fail(ChannelError.operationUnsupported)
  }

  func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) {
    promise?.fail(ChannelError.operationUnsupported)
  }

  func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
    promise?.fail(ChannelError.operationUnsupported)
  }

  func connect0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
    promise?.fail(ChannelError.operationUnsupported)
  }

  func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard isOpen else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    let bytes = unwrapData(data, as: ByteBuffer.self)
    pendingBytes += bytes.readableBytes
    pending.append((bytes, promise))
    if isWritable, pendingBytes > Self.highWater {
      writable.store(false, ordering: .relaxed)
      if isActive { pipeline.fireChannelWritabilityChanged() }
    }
  }

  func flush0() {
    guard isOpen else { return }
    flushed = pending.count
    pump()
  }

  func read0() {
    guard isOpen else { return }
    wantsRead = true
    guard !isReading, stream.readable > 0 || stream.isAtEnd else { return }
    pump()
  }

  func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard mode == .all else {
      promise?.fail(ChannelError.operationUnsupported)
      return
    }
    guard isOpen else {
      promise?.fail(ChannelError.alreadyClosed)
      return
    }
    if let promise { closePromise.futureResult.cascade(to: promise) }
    close(with: error)
  }

  func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) {
    promise?.fail(ChannelError.operationUnsupported)
  }

  func channelRead0(_ data: NIOAny) {}

  func errorCaught0(error: any Error) {}
}
