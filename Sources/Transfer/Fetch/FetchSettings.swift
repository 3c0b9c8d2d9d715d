/// The bounds and times of one fetch.
public struct FetchSettings: Sendable, Equatable {
  /// The most peers that serve at once.
  public var activePeers = 8
  /// How long a connection may take to open.
  public var connectTime = Duration.seconds(10)
  /// How long a peer may take to answer a WANT or a request for digests.
  public var answerTime = Duration.seconds(5)
  /// How long an answer may take before another peer is tried beside it.
  public var hedgeTime = Duration.milliseconds(500)
  /// The longest and the shortest silence of a peer that owes blocks; between them, twenty times
  /// what one block takes at the peer's rate.
  public var silence = Duration.seconds(3)
  /// The shortest silence that drops a peer, for hosts that pause.
  public var shortestSilence = Duration.seconds(1)
  /// How long a peer may keep us choked.
  public var chokeTime = Duration.seconds(20)
  /// A fetch without one new checked block for this long fails.
  public var stallTime = Duration.seconds(60)
  /// The first wait before a lost peer is tried again; it doubles with each attempt.
  public var backoff = Duration.seconds(1)
  /// How often a peer is tried without a block from it before it is given up.
  public var attempts = 4
  /// The blocks that a peer may owe at first, before its rate is known.
  public var firstWindow = 8
  /// The most blocks that a peer may owe.
  public var largestWindow = 64
  /// How much time's worth of blocks a peer should owe.
  public var horizon = Duration.milliseconds(500)
  /// How long a peer serves before it can be called slow.
  public var trial = Duration.seconds(2)

  /// The defaults.
  public init() {}
}
