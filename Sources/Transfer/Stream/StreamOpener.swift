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

  /// The session by which the peer will write to us.
  public let session: UInt64
  /// The message to send.
  public let message: StreamOpening
  private var sentAt = Instant.zero
  private var attempts = 0
  private var isRepeated = false
  private var hasCookie = false

  private let offersAES: Bool

  /// The opener of a stream with our session, ephemeral key and first credit.
  public init(session: UInt64, ephemeral: Bytes32, credit: UInt64, offersAES: Bool) {
    self.session = session
    self.offersAES = offersAES
    message = .open(
      session: session, ephemeral: ephemeral, credit: credit, offersAES: offersAES)
  }

  /// When `tick` is due.
  public var nextDeadline: Instant {
    guard attempts > 0 else { return .zero }
    return sentAt + Self.firstWait * (1 << min(attempts - 1, 2))
  }

  /// Says whether `message` must be sent now, or that it is over.
  public mutating func tick(now: Instant) -> (sends: Bool, outcome: Outcome?) {
    guard attempts == 0 || now >= nextDeadline else { return (false, nil) }
    guard attempts < Self.attemptLimit else { return (false, .silent) }
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
      return .ended(
        .granted(
          StreamGrant(
            session: theirs, ephemeral: ephemeral, credit: credit, usesAES: usesAES,
            roundTrip: isRepeated ? nil : now - sentAt)))
    case .retry(session, let cookie):
      // One cookie is enough: who asks for more keeps us busy.
      guard !hasCookie else { return .ignored }
      hasCookie = true
      isRepeated = false
      sentAt = now
      return .again(cookie: cookie)
    case .refuse(session, let reason): return .ended(.refused(reason))
    case .open, .accept, .retry, .refuse: return .ignored
    }
  }
}
