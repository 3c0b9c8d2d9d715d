public import Wire

/// Which askers are served blocks now: a few at a time, so that each gets a useful rate, and in turns,
/// so that each gets its share.
///
/// Regular slots go to those who gave us most since the last turn (what BitTorrent calls tit for tat),
/// among equals to those who got least; the optimistic ones to who got least of all the others, so that a
/// newcomer is served and a node that only serves is fair. Askers of the local network never wait.
public struct UnchokeSlots: Sendable {
  /// The numbers of slots and their times.
  public struct Settings: Sendable, Equatable {
    /// The regular slots; nil serves everybody.
    public var regular: Int? = 4
    /// The slots that go round.
    public var optimistic = 1
    /// How long a slot is kept.
    public var turn = Duration.seconds(5)

    /// The defaults.
    public init() {}
  }

  /// The bytes of blobs that went to an asker and came from it so far.
  public struct Traffic: Sendable, Equatable {
    /// Bytes to the asker.
    public var sent: UInt64
    /// Bytes from the asker.
    public var received: UInt64

    /// These bytes.
    public init(sent: UInt64, received: UInt64) {
      self.sent = sent
      self.received = received
    }
  }

  /// An asker that is served from now on, or is not.
  public struct Change: Sendable, Equatable {
    /// The asker's number.
    public let asker: UInt64
    /// Whether it has a slot.
    public let isOpen: Bool

    /// This asker has a slot, or has none.
    public init(asker: UInt64, isOpen: Bool) {
      self.asker = asker
      self.isOpen = isOpen
    }
  }

  private struct Asker {
    var isLocal: Bool
    var isOpen = true
    var isInterested = false
    var traffic = Traffic(sent: 0, received: 0)
    var given: UInt64 = 0
  }

  /// The numbers of slots and their times.
  public let settings: Settings
  /// The askers that want blocks, local ones too.
  public private(set) var interestedCount = 0
  private var askers: [UInt64: Asker] = [:]
  private var nextTurn = Instant.zero

  /// No askers.
  public init(settings: Settings = Settings()) {
    self.settings = settings
  }

  /// The askers that want blocks, may have them and are counted.
  public var openCount: Int {
    askers.values.count { !$0.isLocal && $0.isInterested && $0.isOpen }
  }

  /// When `tick` is due.
  public var nextDeadline: Instant { nextTurn }

  /// Adds a connection, whose asker wants nothing yet.
  public mutating func add(_ asker: UInt64, isLocal: Bool) {
    askers[asker] = Asker(isLocal: isLocal)
  }

  /// Forgets a connection; its slot goes to another.
  public mutating func remove(_ asker: UInt64) -> [Change] {
    guard let entry = askers.removeValue(forKey: asker) else { return [] }
    if entry.isInterested { interestedCount -= 1 }
    return fill()
  }

  /// Notes whether an asker wants blocks.
  public mutating func interest(_ asker: UInt64, _ isInterested: Bool) -> [Change] {
    guard var entry = askers[asker], entry.isInterested != isInterested else { return [] }
    entry.isInterested = isInterested
    interestedCount += isInterested ? 1 : -1
    var changes: [Change] = []
    if !entry.isLocal, let slots {
      let isOpen = isInterested ? openCount < slots : true
      if isOpen != entry.isOpen { changes.append(Change(asker: asker, isOpen: isOpen)) }
      entry.isOpen = isOpen
    }
    askers[asker] = entry
    return isInterested ? changes : changes + fill()
  }

  /// Gives the slots anew if the turn is over.
  public mutating func tick(_ now: Instant, traffic: [UInt64: Traffic]) -> [Change] {
    guard now >= nextTurn else { return [] }
    nextTurn = now + settings.turn
    for (asker, total) in traffic {
      guard let before = askers[asker]?.traffic else { continue }
      askers[asker]?.given = total.received - min(before.received, total.received)
      askers[asker]?.traffic = total
    }
    guard let regular = settings.regular else { return [] }
    let waiting = candidates
    let generous = waiting.filter { given($0) > 0 }.prefix(regular)
    let fair = waiting.filter { !generous.contains($0) }.sorted { isNext($0, $1) }
    let count = regular + settings.optimistic - generous.count
    let open = Set(generous).union(fair.prefix(count))
    var changes: [Change] = []
    for asker in waiting.sorted() where askers[asker]?.isOpen != open.contains(asker) {
      askers[asker]?.isOpen = open.contains(asker)
      changes.append(Change(asker: asker, isOpen: open.contains(asker)))
    }
    return changes
  }

  private var slots: Int? { settings.regular.map { $0 + settings.optimistic } }

  /// The askers that compete, the most generous first.
  private var candidates: [UInt64] {
    askers.filter { $0.value.isInterested && !$0.value.isLocal }.keys
      .sorted { (given($0), $1) > (given($1), $0) }
  }

  private func given(_ asker: UInt64) -> UInt64 { askers[asker]?.given ?? 0 }

  /// Whether one asker comes before another in the round: it got less, or came first.
  private func isNext(_ one: UInt64, _ other: UInt64) -> Bool {
    let sent = (askers[one]?.traffic.sent ?? 0, askers[other]?.traffic.sent ?? 0)
    return sent.0 == sent.1 ? one < other : sent.0 < sent.1
  }

  /// Opens free slots to those who wait.
  private mutating func fill() -> [Change] {
    guard let slots else { return [] }
    var changes: [Change] = []
    var free = slots - openCount
    guard free > 0 else { return [] }
    for asker in candidates.sorted(by: { isNext($0, $1) }) where askers[asker]?.isOpen == false {
      guard free > 0 else { break }
      askers[asker]?.isOpen = true
      changes.append(Change(asker: asker, isOpen: true))
      free -= 1
    }
    return changes
  }
}
