import Wire

/// A request to another node that waits for its reply.
struct Call: Sendable {
  enum Purpose: Sendable, Equatable {
    /// A step of these searches of a query; `delivered` counts this node's records for each.
    case search(RequestID, searches: [Int], delivered: [Int])
    /// Storing these records of a put.
    case store(RequestID, places: [Int])
    /// Getting to know a node, or seeing whether one that did not answer is back.
    case check
    /// Seeing whether a contact long silent is still there.
    case liveness
    /// Seeing whether one that was given up is back.
    case revival
    /// Asking for contacts of a bucket.
    case fill(Int)
    /// Asking a fellow replica what it lacks of these records.
    case compare([Bytes32])
    /// Giving it what it lacks.
    case repair
    /// Telling it that we go.
    case farewell
    /// Asking it to have somebody write to us, or to write to somebody.
    case reach
    /// Writing to a node, so that it sees that it is reached.
    case dial
    /// Asking it to tell a client of this attempt.
    case rendezvous(UInt64)
    /// Telling a client that somebody wants to reach it.
    case relay
    /// Writing to the peer of this attempt at the same time as it writes to us.
    case punch(UInt64)
  }

  /// What never changes of a call, apart from it so that the table of calls stays small.
  private final class Facts: Sendable {
    let contact: Contact
    let body: Message.Body
    let purpose: Purpose
    let sentAt: Instant
    let round: UInt8
    let hasRetriedCookie: Bool

    init(
      _ contact: Contact, _ body: Message.Body, _ purpose: Purpose, _ sentAt: Instant,
      _ round: UInt8, _ hasRetriedCookie: Bool
    ) {
      self.contact = contact
      self.body = body
      self.purpose = purpose
      self.sentAt = sentAt
      self.round = round
      self.hasRetriedCookie = hasRetriedCookie
    }
  }

  private let facts: Facts
  /// Whether its soft timeout is over.
  var isSlow = false
  /// Whether it was sent a second time, so that its round trip can't be told (Karn's rule).
  var isRepeated = false

  init(
    contact: Contact, body: Message.Body, purpose: Purpose, sentAt: Instant, round: UInt8,
    hasRetriedCookie: Bool
  ) {
    facts = Facts(contact, body, purpose, sentAt, round, hasRetriedCookie)
  }

  var contact: Contact { facts.contact }
  var body: Message.Body { facts.body }
  var purpose: Purpose { facts.purpose }
  var sentAt: Instant { facts.sentAt }
  /// For a step of a search, how many replies led here, one after the other, this one's included.
  var round: UInt8 { facts.round }
  /// Whether it was sent anew because the first lacked a cookie.
  var hasRetriedCookie: Bool { facts.hasRetriedCookie }
}

extension Call.Purpose {
  /// Whether the node asked may well be out of reach, so that its silence says nothing of our link.
  var isVenture: Bool {
    switch self {
    case .dial, .relay, .punch: true
    case .search, .store, .check, .liveness, .revival, .fill, .compare, .repair, .farewell, .reach,
      .rendezvous:
      false
    }
  }
}

/// When to look at a call or a query again.
struct Deadline: Comparable, Sendable {
  enum Subject: Sendable {
    case soft(UInt64)
    case lost(UInt64)
    case hard(UInt64)
    case resume(RequestID)
    case dial(UInt64)
    case punch(UInt64)
  }

  let at: Instant
  /// Breaks ties in the order of creation, so that one seed gives one trace.
  let order: UInt64
  let subject: Subject

  static func < (left: Deadline, right: Deadline) -> Bool {
    (left.at, left.order) < (right.at, right.order)
  }

  static func == (left: Deadline, right: Deadline) -> Bool {
    left.order == right.order
  }
}

/// What one step of the machine knows and gathers.
struct Step: Sendable {
  let now: Instant
  let wall: Timestamp
  /// Seeded by one draw of the caller's generator.
  var random: SplitMix64
  var actions: [Action] = []

  init(now: Instant, wall: Timestamp, using random: inout some RandomNumberGenerator) {
    self.now = now
    self.wall = wall
    self.random = SplitMix64(seed: random.next())
  }
}
