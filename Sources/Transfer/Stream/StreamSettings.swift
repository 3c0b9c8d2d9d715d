/// The bounds and times of one UDP stream.
public struct StreamSettings: Sendable {
  /// How much of the path the sender takes.
  public enum Congestion: Sendable {
    /// Yields to everybody else (LEDBAT++).
    case background
    /// Takes what the path carries, and does not mistake loss for congestion.
    case foreground
  }

  /// Which congestion controller sends.
  public var congestion = Congestion.background
  /// The most bytes that the receiver keeps for the application and for gaps; the first credit is a
  /// sixteenth of it.
  public var receiveWindow = 4 << 20
  /// The most bytes that the sender keeps until they are acknowledged.
  public var sendBuffer = 4 << 20
  /// The longest datagram that is tried, in bytes of UDP payload.
  public var largestDatagram = 1_472
  /// The packets that one side seals with one key, what RFC 9001 (appendix B.1.1) allows for AES-GCM and
  /// packets of at most 2 KiB. A stream that has used them up is reset; who has more to say opens
  /// another.
  public var packetLimit: UInt64 = 1 << 28
  /// How long an acknowledgement may wait for more packets.
  public var ackDelay = Duration.milliseconds(5)
  /// A stream ends when nothing came for this long.
  public var idleTime = Duration.seconds(30)
  /// A stream at rest says so after this long, so that no NAT forgets it; nil for silence.
  public var keepAlive: Duration? = .seconds(10)
  /// The queueing delay that the background controller aims at (LEDBAT++: at most 60 ms). 25 ms is
  /// less than what a loss-based flow leaves in a buffer of 50 ms.
  public var target = Duration.milliseconds(25)

  /// The most bytes that a stream keeps, both ways together.
  public var memory: Int { receiveWindow + sendBuffer }

  /// The defaults.
  public init() {}
}
