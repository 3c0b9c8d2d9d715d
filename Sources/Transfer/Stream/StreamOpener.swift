public import Wire

/// What the acceptor of a stream answered.
public struct StreamGrant: Equatable, Sendable {
  /// The session by which it is written to.
  public let session: UInt64
  /// Its ephemeral key.
  public let ephemeral: Bytes32
  /// The bytes that it takes at first.
  public let credit: UInt64
  /// Whether packets are sealed with AES.
  public let usesAES: Bool
  /// What the exchange took, if it was measured.
  public let roundTrip: Duration?
  /// How long after the first OPEN the one left that was the first to be answered; nil if nothing tells.
  public let lateness: Duration?
}

/// The opening side of a stream until it is granted: sends OPEN, again with a cookie when asked, and
/// again after silence.
public struct StreamOpener: Sendable {
  /// What became of it.
  public enum Outcome: Equatable, Sendable {
    /// The peer grants a stream.
    case granted(StreamGrant)
    /// The peer refuses.
    case refused(StreamOpening.Refusal)
    /// Nobody answered in time.
    case silent
  }

  /// What a message changes.
  public enum Step: Equatable, Sendable {
    /// Nothing: it was not for this stream, or late.
    case ignored
    /// The cookie must be kept, and `message` sent again.
    case again(cookie: [UInt8])
    /// It is over.
    case ended(Outcome)
  }

  /// How long the first answer is waited for before the message is sent again.
  public static let firstWait = Duration.milliseconds(250)
  private static let attemptLimit = 5
  /// How long an answer is waited for in all, unless less is wanted.
  public static let patience = Duration.milliseconds(3_750)

  /// The session by which the peer will write to us.
  public let session: UInt64
  /// The message to send.
  public let message: StreamOpening
  private var began = Instant.zero
  private var firstAnswer: Instant?
  private var sentAt = Instant.zero
  private var attempts = 0
  private var isRepeated = false
  private var hasCookie = false

  private let offersAES: Bool
  private let patience: Duration

  /// The opener of a stream with our session, ephemeral key and first credit, which waits so long for
  /// the peer.
  public init(
    session: UInt64, ephemeral: Bytes32, credit: UInt64, offersAES: Bool,
    patience: Duration = Self.patience
  ) {
    self.session = session
    self.offersAES = offersAES
    self.patience = patience
    message = .open(
      session: session, ephemeral: ephemeral, credit: credit, offersAES: offersAES)
  }

  /// When `tick` is due.
  public var nextDeadline: Instant {
    guard attempts > 0 else { return .zero }
    return min(sentAt + Self.firstWait * (1 << min(attempts - 1, 2)), began + patience)
  }

  /// Says whether `message` must be sent now, or that it is over.
  public mutating func tick(now: Instant) -> (sends: Bool, outcome: Outcome?) {
    guard attempts == 0 || now >= nextDeadline else { return (false, nil) }
    if attempts == 0 { began = now }
    guard attempts < Self.attemptLimit, attempts == 0 || now - began < patience else {
      return (false, .silent)
    }
    isRepeated = attempts > 0
    attempts += 1
    sentAt = now
    return (true, nil)
  }

  /// Takes in what the peer answered.
  public mutating func receive(_ answer: StreamOpening, now: Instant) -> Step {
    switch answer {
    case .accept(session, let theirs, let ephemeral, let credit, let usesAES):
      // What was not offered can't be granted.
      guard offersAES || !usesAES else { return .ignored }
      let roundTrip = isRepeated ? nil : now - sentAt
      return .ended(
        .granted(
          StreamGrant(
            session: theirs, ephemeral: ephemeral, credit: credit, usesAES: usesAES,
            roundTrip: roundTrip,
            lateness: roundTrip.map { max(.zero, (firstAnswer ?? now) - began - $0) })))
    case .retry(session, let cookie):
      // One cookie is enough: who asks for more keeps us busy.
      guard !hasCookie else { return .ignored }
      hasCookie = true
      firstAnswer = now
      isRepeated = false
      sentAt = now
      return .again(cookie: cookie)
    case .refuse(session, let reason): return .ended(.refused(reason))
    case .open, .accept, .retry, .refuse: return .ignored
    }
  }
}
