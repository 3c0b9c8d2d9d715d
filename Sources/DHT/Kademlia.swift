public import Cryptography
import HeapModule
public import Wire

/// One node of the DHT as a value: routing table, look-ups, the records kept for others, upkeep.
///
/// It does no I/O and reads no clock. Messages, time and randomness come in; actions go out; and
/// `nextDeadline` says when to call `tick`. The same inputs give the same actions, so the simulator
/// runs the very code that runs on sockets.
public struct Kademlia: Sendable {
  /// This node's key.
  public let key: PublicKey
  /// This node's place.
  public let id: NodeID
  /// The numbers it goes by.
  public let settings: KademliaSettings
  /// What was counted since the start.
  public internal(set) var counters = KademliaCounters()
  /// Issuers whose statements get the reserved places of a full key: those of the own trust list.
  public var trustedIssuers: Set<PublicKey> = []

  let validator: any RecordValidator
  var table: RoutingTable
  var store: RecordStore
  var queries: [RequestID: Query] = [:]
  var calls: [UInt64: Call] = [:]
  var deadlines = Heap<Deadline>()
  var budget: DestinationBudget
  /// Round trips to anyone, for contacts that have none of their own.
  var roundTrip = RoundTrip()
  var observations = Observations()
  /// Contacts given up.
  var departed = Departed()
  /// Nodes found dead lately.
  var fallen = Fallen()
  /// Whether the node is a client on the internet until others have reached it.
  var provesReach: Bool
  var reach = Reach()
  /// Nodes to write to later, so that they see whether they are reached.
  var dials: [UInt64: Contact] = [:]
  var lastDial: UInt64 = 0
  var reachLimit = ForwardingLimit(rate: 4, burst: 16, span: .seconds(5))
  /// Whether it goes: nobody is to keep it any more.
  var isLeaving = false
  var dialLimit = ForwardingLimit(rate: 4, burst: 16, span: .seconds(30))
  /// Clients that can be told through us that somebody wants to reach them.
  var guests = Guests()
  /// Always-on nodes: the bootstrap peers.
  var seeders: [Contact] = []
  var punches: [UInt64: Punch] = [:]
  var punchLimit = ForwardingLimit(rate: 4, burst: 16, span: .seconds(3))
  /// The part of the contacts tried lately that had gone.
  var failureShare = 0.0
  /// Requests in a row to anybody that went unanswered.
  var silence = 0
  /// How many contacts upkeep may try now.
  var checkCredit = 0.0
  var lastUpkeep: Instant
  var nextNeighbourhood: Instant
  var nextRevival: Instant
  /// The most deadlines since memory was given back.
  var deadlinePeak = 0
  var nextUpkeep: Instant
  var nextRepair: Instant
  var sizeEstimate = 0.0
  var sizeEstimateExpires = Instant.zero
  private var lastRequest: UInt64 = 0
  private var lastDeadline: UInt64 = 0

  /// A node that knows nobody yet.
  public init(
    key: PublicKey, settings: KademliaSettings = KademliaSettings(),
    validator: any RecordValidator, now: Instant
  ) {
    self.key = key
    id = NodeID(of: key)
    self.settings = settings
    self.validator = validator
    provesReach = settings.provesReach
    table = RoutingTable(own: id, settings: settings)
    store = RecordStore(own: id, settings: settings)
    budget = DestinationBudget(
      rate: settings.newDestinationsPerSecond, burst: settings.newDestinationBurst)
    nextUpkeep = now + settings.upkeepInterval
    lastUpkeep = now
    nextRevival = now
    // Nodes that start together must not repair together.
    let share = Double(id.bytes.words.3 >> 11) / 0x1p53
    nextRepair = now + settings.repairInterval * (0.5 + share)
    nextNeighbourhood = now + settings.neighbourhoodInterval * (0.25 + share / 2)
  }

  /// When to call `tick`, if nothing happens before.
  public var nextDeadline: Instant {
    min(deadlines.min?.at ?? nextUpkeep, nextUpkeep)
  }

  /// Takes a decoded message in.
  public mutating func receive(
    _ message: Message, from origin: Origin, now: Instant, wall: Timestamp,
    using random: inout some RandomNumberGenerator
  ) -> [Action] {
    guard origin.contact.key != key else { return [] }
    var step = Step(now: now, wall: wall, using: &random)
    if message.isRequest {
      noteArrival(from: origin.contact, &step)
      noteAddress(of: origin.contact, &step)
      serve(message, from: origin, &step)
      if message.isClient {
        if origin.isProven { drop(origin.contact, &step) }
        welcome(origin, &step)
      } else {
        meet(origin.contact, isProven: origin.isProven, &step)
      }
    } else {
      take(message, from: origin.contact, &step)
    }
    dropStaleDeadlines()
    return step.actions
  }

  /// Does what is due.
  public mutating func tick(
    now: Instant, wall: Timestamp, using random: inout some RandomNumberGenerator
  ) -> [Action] {
    var step = Step(now: now, wall: wall, using: &random)
    while let first = deadlines.min, first.at <= now {
      deadlines.removeMin()
      switch first.subject {
      case .soft(let transaction): softTimeout(transaction, &step)
      case .lost(let transaction): loseHope(transaction, &step)
      case .hard(let transaction): hardTimeout(transaction, &step)
      case .resume(let id): advance(id, &step)
      case .dial(let number): dial(number, &step)
      case .punch(let number): fire(number, &step)
      }
    }
    if nextUpkeep <= now { upkeep(&step) }
    dropStaleDeadlines()
    return step.actions
  }

  /// Begins a request; it ends with one `.finished` action, perhaps in this very step.
  public mutating func begin(
    _ request: Request, now: Instant, wall: Timestamp,
    using random: inout some RandomNumberGenerator
  ) -> (RequestID, [Action]) {
    var step = Step(now: now, wall: wall, using: &random)
    let id = makeQuery(request, &step)
    advance(id, &step)
    return (id, step.actions)
  }

  /// Forgets a request: its outstanding calls end unheard and no `.finished` follows.
  public mutating func cancel(_ id: RequestID) {
    queries[id] = nil
    punches[id.number] = nil
  }

  mutating func newRequestID() -> RequestID {
    lastRequest += 1
    return RequestID(number: lastRequest)
  }

  mutating func schedule(_ subject: Deadline.Subject, at instant: Instant) {
    lastDeadline += 1
    deadlines.insert(Deadline(at: instant, order: lastDeadline, subject: subject))
    deadlinePeak = max(deadlinePeak, deadlines.count)
  }

  /// Removes deadlines of answered calls from the front, so that nobody wakes for them.
  private mutating func dropStaleDeadlines() {
    while let first = deadlines.min {
      switch first.subject {
      case .soft(let transaction):
        guard calls[transaction]?.isSlow ?? true else { return }
      case .lost(let transaction), .hard(let transaction):
        guard calls[transaction] == nil else { return }
      case .resume(let id):
        guard queries[id] == nil else { return }
      case .dial(let number):
        guard dials[number] == nil else { return }
      case .punch(let number):
        guard punches[number] == nil else { return }
      }
      deadlines.removeMin()
    }
  }
}
