import Wire

/// What one acknowledgement says of the path.
struct DeliverySample: Sendable {
  let now: Instant
  /// Bytes that it acknowledges for the first time.
  let acknowledged: Int
  /// Bytes in flight before and after it.
  let before: Int
  let after: Int
  /// The round trip of the newest packet, if it is new here.
  let roundTrip: Duration?
  let smoothed: Duration
  /// Bytes a second at which packets arrived, over the flight of the newest of them.
  let rate: Double
  /// Whether the sender had nothing more to send at the time, so that the rate says little.
  let isApplicationLimited: Bool
  /// Whether a packet was acknowledged that left after the last round's end.
  let endsRound: Bool
  /// Bytes that were found lost since the last sample.
  let lost: Int
  let datagram: Int
}

/// Packets that were found lost together.
struct LossSample: Sendable {
  let now: Instant
  let bytes: Int
  /// When the newest of them left.
  let newestSent: Instant
  let smoothed: Duration
  let datagram: Int
}

/// Decides how much may be in flight and how fast it leaves.
protocol CongestionController: Sendable {
  /// The bytes that may be in flight.
  var window: Int { get }
  /// Bytes a second at which packets leave.
  var rate: Double { get }

  mutating func acknowledged(_ sample: DeliverySample)
  mutating func lost(_ sample: LossSample)
  /// Nothing was heard for several probe times.
  mutating func collapsed(now: Instant, datagram: Int)
}

/// The controller of one stream: one of the two is there. Both are stored, not an enum's payload, so
/// that each is changed in place.
struct Congestion: CongestionController {
  private var background: LEDBATController?
  private var foreground: RateController?

  init(_ settings: StreamSettings, roundTrip: Duration, now: Instant) {
    switch settings.congestion {
    case .background:
      background = LEDBATController(target: settings.target, roundTrip: roundTrip, now: now)
    case .foreground:
      foreground = RateController(roundTrip: roundTrip, now: now)
    }
  }

  var window: Int { background?.window ?? foreground?.window ?? 0 }

  var rate: Double { background?.rate ?? foreground?.rate ?? 0 }

  mutating func acknowledged(_ sample: DeliverySample) {
    background?.acknowledged(sample)
    foreground?.acknowledged(sample)
  }

  mutating func lost(_ sample: LossSample) {
    background?.lost(sample)
    foreground?.lost(sample)
  }

  mutating func collapsed(now: Instant, datagram: Int) {
    background?.collapsed(now: now, datagram: datagram)
    foreground?.collapsed(now: now, datagram: datagram)
  }
}
