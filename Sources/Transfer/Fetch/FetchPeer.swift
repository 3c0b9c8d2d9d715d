import Wire

/// What a fetch knows about one peer.
struct FetchPeer: Sendable {
  enum State: Sendable, Equatable {
    /// Could be connected, not before this time.
    case candidate(notBefore: Instant)
    /// Its connection is being opened.
    case connecting(since: Instant)
    /// It was asked what it has.
    case asked(since: Instant)
    /// It serves.
    case ready(since: Instant)
    /// It failed too often, or does not have the blob.
    case exhausted
    /// It lied.
    case banned
  }

  var state = State.candidate(notBefore: .zero)
  /// The blocks it has; nil for all.
  var blocks: BlockSet?
  /// The blocks it owes, with the time of the request.
  var owed: [Int: Instant] = [:]
  /// Blocks taken back, which may still arrive.
  var cancelled: Set<Int> = []
  /// The digests it owes, with the time of the request.
  var owedHashes: (range: HashRange, since: Instant)?
  var isChoked = false
  var chokedSince = Instant.zero
  /// A peer that was busy is left alone until then.
  var restUntil = Instant.zero
  var credit = 0
  var attempts = 0
  var rate = RateEstimate()
  /// The last time that a block came, or that it began to owe some.
  var lastHeard = Instant.zero
  /// Checked bytes from it.
  var bytes: UInt64 = 0

  var isReady: Bool { if case .ready = state { true } else { false } }

  /// Whether the fetch counts on it now.
  var isActive: Bool {
    switch state {
    case .connecting, .asked, .ready: true
    case .candidate, .exhausted, .banned: false
    }
  }

  func has(_ block: Int) -> Bool { blocks?.contains(block) ?? true }
}

/// A rate in bytes a second over the last seconds in which the peer owed something.
struct RateEstimate: Sendable {
  private var bytes = 0.0
  private var seconds = 0.0
  private(set) var samples = 0

  /// Over how many seconds the past loses half its weight and more.
  private static let memory = 2.0

  /// Notes that `count` bytes took `time`.
  mutating func add(_ count: Int, over time: Duration) {
    let elapsed = max(time.inSeconds, 1e-6)
    let fade = Self.memory / (Self.memory + elapsed)
    bytes = bytes * fade + Double(count)
    seconds = seconds * fade + elapsed
    samples += 1
  }

  /// Bytes a second; nil before four samples.
  var value: Double? { samples >= 4 && seconds > 0 ? bytes / seconds : nil }
}
