import Wire

/// Whether others can begin a conversation with this node over the internet.
///
/// A request from an address that was not written to for minutes got through whatever stands between:
/// a NAT or firewall that lets nothing but answers in would have dropped it (RFC 4787 §5).
struct Reach: Sendable {
  private struct Evidence: Sendable {
    let network: IPAddress
    var at: Instant
  }

  /// Whether enough networks have reached us.
  private(set) var isReached = false
  /// Whether nobody has reached us although others were asked to, and their time is over.
  private(set) var hasFailed = false
  /// When to ask others again to write to us.
  private var nextRound = Instant.zero
  private var rounds = 0
  /// When all was begun anew.
  private var probation = Instant.zero
  private var lastWritten = Instant.zero
  /// Nodes that may still be asked as soon as they have answered.
  private var early = Self.wanted
  private var evidence: [Evidence] = []
  /// Our own address of each family, as others see it.
  private var homes: [IPAddress] = []
  /// Digests of addresses written to: what is not here was not written to for `span` at least.
  private var written = Generations<UInt64>(span: Self.span, limit: 8_192)

  /// Longer than a NAT keeps a way open that is not used; most close it within two minutes.
  static let span = Duration.seconds(200)
  /// When to write to a node that asked for it, so that nothing at it remembers us.
  static let dialDelay = span * 2 + .seconds(20)
  /// How long having been reached counts.
  private static let life = Duration.seconds(7_200)
  /// Networks that must have reached us, if so many are known.
  private static let wanted = 3
  /// After a node was asked to write later; longer than `dialDelay`.
  private static let pause = Duration.seconds(600)
  private static let probations = Duration.seconds(6 * 3_600)

  /// Notes that something was sent to an address.
  mutating func wrote(to address: Address, now: Instant) {
    written.pass(to: now)
    lastWritten = now
    // Full, it tells nothing any more: see `heard`.
    written.insert(Self.digest(address.ip))
  }

  /// Whether the node that has just answered is asked at once: in a small network all others will soon
  /// have been written to, and then their requests tell nothing for minutes.
  mutating func isEarly() -> Bool {
    guard early > 0 else { return false }
    early -= 1
    return true
  }

  /// Takes in that a request came from an address; whether the node is reached only since.
  mutating func heard(from address: Address, networksKnown: Int, now: Instant) -> Bool {
    written.pass(to: now)
    guard address.ip.isGlobal, !written.isIncomplete,
      !written.contains(Self.digest(address.ip))
    else { return false }
    let network = address.ip.network(Self.prefix(address.ip))
    if let known = evidence.firstIndex(where: { $0.network == network }) {
      evidence[known].at = now
    } else {
      if evidence.count == 8 { evidence.removeFirst() }
      evidence.append(Evidence(network: network, at: now))
    }
    guard !isReached, evidence.count >= min(Self.wanted, max(1, networksKnown)) else {
      return false
    }
    isReached = true
    hasFailed = false
    return true
  }

  /// Takes in our address as others see it: another one is another place, of which nothing is known.
  mutating func seen(at ip: IPAddress, now: Instant) {
    guard ip.isGlobal, !homes.contains(ip) else { return }
    let isMove = homes.contains { Self.isIPv4($0) == Self.isIPv4(ip) }
    homes.removeAll { Self.isIPv4($0) == Self.isIPv4(ip) }
    homes.append(ip)
    guard isMove else { return }
    evidence = []
    isReached = false
    hasFailed = false
    rounds = 0
    probation = now
    nextRound = now
  }

  /// What to ask of others now, so that they write to us.
  enum Round: Equatable, Sendable {
    /// Nothing yet.
    case none
    /// That they have somebody else write at once.
    case now
    /// That they write themselves, later than any NAT remembers that we wrote to them.
    case later
  }

  /// The round that is due: at first others are to write at once, which tells something in a large
  /// network; then the nodes asked are to write later, and until then they are left in peace.
  mutating func round(now: Instant) -> Round {
    evidence.removeAll { now - $0.at > Self.life }
    if evidence.isEmpty { isReached = false }
    if isReached {
      let last = evidence.map(\.at).max() ?? now
      guard now - last >= Self.life / 2, nextRound <= now else { return .none }
      nextRound = now + Self.pause
      return .now
    }
    if now - probation >= Self.probations {
      probation = now
      rounds = 0
    }
    guard nextRound <= now else { return .none }
    rounds += 1
    // The second round was one of dialling later, and the third waits for that.
    if rounds > 2 { hasFailed = true }
    let isLater = rounds % 2 == 0
    nextRound = now + (isLater ? Self.pause : .seconds(10))
    return isLater ? .later : .now
  }

  /// Whether nobody is to be written to without need: after entering, and every few hours, it shows
  /// whether we are reached by those who are all that we know.
  func isQuiet(now: Instant) -> Bool { now - probation < Self.pause * 3 / 2 }

  /// Whether nothing was sent for so long that a NAT may soon forget us.
  func isSilent(now: Instant) -> Bool { now - lastWritten >= .seconds(50) }

  private static func isIPv4(_ ip: IPAddress) -> Bool {
    if case .v4 = ip { return true }
    return false
  }

  private static func prefix(_ ip: IPAddress) -> Int { isIPv4(ip) ? 24 : 48 }

  private static func digest(_ ip: IPAddress) -> UInt64 {
    switch ip {
    case .v4(let value): UInt64(value)
    case .v6(let high, let low): (high &* 0x9E37_79B9_7F4A_7C15) ^ low
    }
  }
}
