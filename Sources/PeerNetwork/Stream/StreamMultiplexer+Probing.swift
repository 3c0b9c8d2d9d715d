import Cryptography
import NIOCore
import NIOPosix
import Transfer
import Wire

/// One attempt to hit a port of another node, on the event loop of the UDP socket.
final class ProbeRun {
  var probe: BirthdayProbe
  let key: PublicKey
  /// Where the other node is, by the relay.
  let target: Address
  /// What is sent to each port.
  let knock: [UInt8]
  var sockets: [any Channel] = []
  /// The datagrams that its sockets received.
  private var received = 0

  init(probe: BirthdayProbe, key: PublicKey, target: Address, knock: [UInt8]) {
    self.probe = probe
    self.key = key
    self.target = target
    self.knock = knock
  }

  /// Whether one more datagram is looked at: nothing holds back who sends to the sockets.
  func takesOneMore() -> Bool {
    received += 1
    return received <= 4 * BirthdayProbe.ports
  }
}

extension StreamMultiplexer {
  /// Begins to try ports with the node at the other end of a relay's way, one node at a time and not
  /// often, and says so by `answer`, if that is wanted.
  func beginProbe(
    as role: BirthdayProbe.Role, _ key: PublicKey, over way: Address, with knock: [UInt8],
    _ answer: [UInt8]?
  ) {
    guard probeRun == nil, let target = detours.peer(of: way), target.ip.isGlobal,
      case .relay(let relay, _)? = detours.target(of: way, now: .uptime),
      streams.mayProbe(over: relay.key),
      channels.values.contains(where: { $0.peer == key && $0.mark.way == .relayed }),
      probeLimits.begin(with: key, at: target.ip, now: .uptime)
    else { return }
    if let answer { send(answer, by: way) }
    let run = ProbeRun(
      probe: BirthdayProbe(role: role, now: .uptime), key: key, target: target, knock: knock)
    probeRun = run
    lastProbeRun = run
    step(run)
  }

  /// Does what is due for a run, unless it ended.
  private func step(_ run: ProbeRun) {
    guard probeRun === run else { return }
    for action in run.probe.tick(now: .uptime, using: &random) {
      switch action {
      case .open(let count): for _ in 0..<count { openProbeSocket(of: run) }
      case .repeatAll: for socket in run.sockets { knock(on: socket, run) }
      case .send(let ports):
        for port in ports {
          let target = Address(ip: run.target.ip, port: port)
          run.knock.withUnsafeBytes { senderForStreams()?.add(copying: $0, to: target) }
        }
        sender?.flush()
      case .giveUp: endProbe(keeping: nil)
      }
    }
    guard probeRun === run, let due = run.probe.nextDeadline else { return }
    let bound = NIOLoopBound(self, eventLoop: loop)
    let running = NIOLoopBound(run, eventLoop: loop)
    loop.scheduleTask(in: TimeAmount(max(.milliseconds(1), due - .uptime))) {
      bound.value.step(running.value)
    }
  }

  private func openProbeSocket(of run: ProbeRun) {
    let isV4 = if case .v4 = run.target.ip { true } else { false }
    let bound = NIOLoopBound(self, eventLoop: loop)
    let running = NIOLoopBound(run, eventLoop: loop)
    DatagramBootstrap(group: loop)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 2_048))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers(
            DatagramWriter(), ProbeSocketHandler(multiplexer: bound.value))
        }
      }
      .bind(host: isV4 ? "0.0.0.0" : "::", port: 0)
      .whenComplete { result in
        // No more descriptors, mostly.
        guard case .success(let channel) = result else { return running.value.probe.cannotOpen() }
        guard bound.value.probeRun === running.value else { return channel.close(promise: nil) }
        running.value.sockets.append(channel)
        bound.value.knock(on: channel, running.value)
      }
  }

  private func knock(on socket: any Channel, _ run: ProbeRun) {
    write(ByteBuffer(bytes: run.knock), on: socket, to: run.target)
  }

  /// Answers a knock, on the socket to which it came.
  private func knock(at address: Address, _ run: ProbeRun) {
    guard address.detour == nil else { return send(run.knock, by: address) }
    guard let sender = senderForStreams() else { return }
    run.knock.withUnsafeBytes { sender.add(copying: $0, to: address) }
    sender.flush()
  }

  /// Takes in what came to one of the sockets: the other side hit it.
  func receive(_ envelope: AddressedEnvelope<ByteBuffer>, on socket: any Channel) {
    guard let context, let address = Address(envelope.remoteAddress) else { return }
    if let known = detours.address(of: socket, at: address, now: .uptime) {
      return receive(envelope.data, by: known, context: context)
    }
    guard let run = probeRun, run.target.ip == address.ip, run.takesOneMore(),
      run.sockets.contains(where: { $0 === socket }),
      envelope.data.getInteger(at: envelope.data.readerIndex, as: UInt8.self) != StreamBox.kind
    else { return }
    // Only a knock that opens makes it a way; until then no stream takes anything from there.
    let way = detours.addCandidate(socket, at: address, now: .uptime)
    receive(envelope.data, by: way, context: context)
  }

  /// The other side's knock came, whose seal proved the sender: the streams go on that way if it
  /// carries them both ways.
  ///
  /// A knock that nobody waits for, or from elsewhere than expected, moves nothing: its address need not be
  /// the sender's.
  func knocked(_ key: PublicKey, at address: Address) {
    guard let run = lastProbeRun, run.key == key else { return }
    switch run.probe.role {
    case .opener:
      guard probeRun === run, detours.confirm(address, now: .uptime) else { return }
    case .seeker:
      guard address.detour == nil, address.ip == run.target.ip else { return }
    }
    guard run.probe.heard(now: .uptime) else { return }
    for channel in Array(channels.values) where channel.peer == key && channel.mark.way == .relayed
    {
      channel.isProbed = true
      channel.look(at: address)
    }
    knock(at: address, run)
    if probeRun === run { endProbe(keeping: address) }
  }

  /// Hands on what came to the sockets of a probe: the DHT looks at it at the end of a read.
  func probeSocketWasRead() {
    pumpTouched()
    context?.fireChannelReadComplete()
  }

  private func endProbe(keeping way: Address?) {
    guard let run = probeRun else { return }
    probeRun = nil
    var kept: (any Channel)?
    if let way, case .socket(let socket, _)? = detours.target(of: way, now: .uptime) {
      kept = socket
    }
    detours.removeCandidates()
    for socket in run.sockets where socket !== kept { socket.close(promise: nil) }
    run.sockets = []
    if kept != nil { planSweep() }
  }

  /// Closes, after a while and again, the sockets to which no stream moved or that all have left.
  private func planSweep() {
    let bound = NIOLoopBound(self, eventLoop: loop)
    loop.scheduleTask(in: TimeAmount(Detours.socketGrace)) {
      let multiplexer = bound.value
      multiplexer.sweepSockets()
      if multiplexer.detours.hasSockets { multiplexer.planSweep() }
    }
  }

  private func sweepSockets() {
    let used = Set(channels.values.map(\.address))
    for way in detours.sockets(now: .uptime) where !used.contains(way) { detours.remove(way) }
  }
}

/// Hands what one socket of a probe receives to the streams.
final class ProbeSocketHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private weak var multiplexer: StreamMultiplexer?

  init(multiplexer: StreamMultiplexer) {
    self.multiplexer = multiplexer
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    multiplexer?.receive(unwrapInboundIn(data), on: context.channel)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    multiplexer?.probeSocketWasRead()
    context.fireChannelReadComplete()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
