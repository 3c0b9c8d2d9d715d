public import Wire

/// How a stream ended.
public enum StreamOutcome: Equatable, Sendable {
  /// Both sides said their end and everything arrived.
  case finished
  /// The other side ended it at once, with its reason.
  case resetByPeer(UInt64)
  /// This side ended it at once.
  case reset
  /// Nothing came for the idle time.
  case idle
  /// The other side broke the rules.
  case violation
}

/// A reliable stream of bytes in both directions over sealed datagrams that may be lost, repeated and
/// overtaken (docs/PROTOCOL.md, "The UDP stream").
///
/// A value without clock, socket or keys: opened packets go in with the time, packets to seal come out.
/// Packet numbers are never used twice. Memory is bounded by `StreamSettings`, whatever comes in.
public struct ReliableStream: Sendable {
  /// A packet to seal and send.
  public struct Packet: Equatable, Sendable {
    /// Its number, which no other packet of this side has.
    public let number: UInt64
    /// Where it goes.
    public let address: Address
  }

  /// What a sealed packet is longer than its frames: kind, session, number and tag.
  public static let overhead = 1 + 8 + 8 + 16
  /// The code of a reset after a violation.
  static let violationCode: UInt64 = 1
  /// What the peer's acknowledgement may be late by.
  static let peerDelay = Duration.milliseconds(10)
  static let resetLimit = 8

  let settings: StreamSettings
  /// Where the peer is, as far as that is proven.
  public internal(set) var path: Address
  /// An address from which packets came that is not proven yet.
  var candidate: (address: Address, challenge: UInt64, sentAt: Instant)?
  var owesChallenge = false
  var response: (value: UInt64, address: Address)?

  var outgoing: OutgoingBytes
  var incoming: IncomingBytes
  var sent: SentPackets
  var received = ReceivedPackets()
  var roundTrip: RoundTripTime
  var mtu: PathMTU
  var congestion: Congestion
  var pacer: Pacer

  var probeCount = 0
  /// Packets that may leave whatever is in flight.
  var probes = 0
  var wantsPing = false
  var acknowledgementsAlone = 0
  var heardAt: Instant
  var pacedUntil: Instant?
  var owesReset: UInt64?
  var resets = 0
  var drainedAt: Instant?
  var scratch: [SentPacket] = []
  /// Bytes lost that the controller has not heard of.
  var lostBytes = 0

  /// How the stream ended; nil while it lives.
  public internal(set) var outcome: StreamOutcome?

  /// A stream that the opening exchange has agreed on.
  ///
  /// `credit` is what the peer granted, `roundTrip` what the exchange took, if it was measured.
  public init(
    settings: StreamSettings, path: Address, credit: UInt64, roundTrip: Duration?, now: Instant
  ) {
    self.settings = settings
    self.path = path
    outgoing = OutgoingBytes(credit: credit)
    incoming = IncomingBytes(window: settings.receiveWindow, now: now)
    sent = SentPackets(now: now)
    let guess = roundTrip ?? .milliseconds(100)
    self.roundTrip = RoundTripTime(guess: guess)
    mtu = PathMTU(largest: settings.largestDatagram, now: now)
    congestion = Congestion(settings, roundTrip: guess, now: now)
    pacer = Pacer(now: now)
    heardAt = now
  }

  /// The credit that a new stream grants, to be said in the opening exchange.
  public static func firstCredit(_ settings: StreamSettings) -> UInt64 {
    UInt64(IncomingBytes.firstCredit(settings.receiveWindow))
  }

  // MARK: The application

  /// The bytes that may be written now: about two windows are kept, so that a slow path holds little
  /// memory and a fast one never runs dry.
  public var writable: Int {
    guard outcome == nil, !outgoing.hasEnded else { return 0 }
    let wanted = max(64 << 10, min(settings.sendBuffer, congestion.window * 2))
    return max(0, wanted - outgoing.buffered)
  }

  /// Takes bytes to send; the caller keeps to `writable`.
  public mutating func write(_ bytes: UnsafeRawBufferPointer) {
    guard outcome == nil, !outgoing.hasEnded else { return }
    outgoing.write(bytes)
  }

  /// Ends this side's bytes; what was written still arrives.
  public mutating func finish() {
    outgoing.finish()
  }

  /// Sends something at once, so that the peer learns that the stream stands.
  public mutating func greet() {
    wantsPing = true
  }

  /// Ends both sides at once.
  public mutating func reset(_ code: UInt64, now: Instant) {
    end(.reset, now: now)
    owesReset = min(code, StreamFrame.offsetLimit)
  }

  /// The bytes that can be read now.
  public var readable: Int { incoming.readable }

  /// Whether the peer ended its bytes and all of them were read.
  public var isAtEnd: Bool { incoming.isDone }

  /// Whether the peer ended its bytes and all of them came.
  public var isComplete: Bool { incoming.isComplete }

  /// Whether everything that was written arrived.
  public var isFlushed: Bool { outgoing.buffered == 0 }

  /// Hands out at most `limit` bytes in order, in pieces.
  public mutating func read(
    _ limit: Int, now: Instant, _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    incoming.read(limit, now: now, roundTrip: roundTrip.smoothed, body)
  }

  // MARK: The state

  /// Whether the stream is over and nothing needs to be answered any more.
  public func isGone(now: Instant) -> Bool {
    outcome != nil && owesReset == nil && drainedAt.map { $0 <= now } ?? false
  }

  /// The most bytes that it keeps, both ways together.
  public var memoryLimit: Int { settings.memory }

  /// The memory that is taken for bytes of the stream.
  public var allocated: Int { outgoing.allocated + incoming.allocated }

  /// The length of a full datagram now.
  public var datagram: Int { mtu.current }

  /// The bytes that may be in flight, and those that are.
  public var window: Int { congestion.window }
  /// The bytes in flight.
  public var inFlight: Int { sent.inFlight }
  /// The smoothed round-trip time.
  public var smoothedRoundTrip: Duration { roundTrip.smoothed }

  mutating func end(_ outcome: StreamOutcome, now: Instant) {
    guard self.outcome == nil else { return }
    self.outcome = outcome
    drainedAt = now + roundTrip.probeTime * 3
    if outcome == .violation { owesReset = Self.violationCode }
  }

  mutating func finishIfDone(now: Instant) {
    if outgoing.isDone, incoming.isComplete { end(.finished, now: now) }
  }
}
