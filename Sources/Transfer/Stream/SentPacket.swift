import Wire

/// What is remembered of a packet that left.
struct SentPacket: Sendable {
  enum State: Sendable {
    /// Nothing is known of it.
    case inFlight
    /// Taken for lost; it may still turn out to have been slow.
    case lost
    /// Acknowledged, forgotten, or never to be acknowledged.
    case done
  }

  var state = State.inFlight
  var sentAt: Instant
  /// Bytes of UDP payload.
  var size: Int
  /// The bytes of the stream in it.
  var offset: UInt64 = 0
  var length = 0
  var isLast = false
  var hasCredit = false
  /// A packet that only probes how long a datagram may be.
  var isProbe = false
  /// The newest packet that it acknowledged.
  var acknowledges: UInt64?
  /// For the rate: what had arrived when it left, when, and when that had left.
  var delivered: UInt64 = 0
  var deliveredAt: Instant
  var firstSentAt: Instant
  var isApplicationLimited = false
}
