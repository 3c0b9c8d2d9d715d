import Cryptography
public import DHT
import HeapModule
public import Wire

/// Many DHT nodes in one thread, on a network with latency, jitter, loss and partitions.
///
/// Everything follows from the seed: the same calls in the same order give the same `trace`.
public struct VirtualNetwork {
  /// How the network treats datagrams.
  public struct Conditions: Sendable {
    /// One-way delay between two nodes, drawn once a pair; uniform between the bounds.
    public var delay: ClosedRange<Duration> = .milliseconds(20) ... .milliseconds(80)
    /// Added to each datagram's delay, uniform from zero; more than the difference of two sending
    /// times reorders them.
    public var jitter = Duration.milliseconds(5)
    /// The part of the datagrams that is lost.
    public var loss = 0.0

    /// The defaults.
    public init() {}
  }

  /// One node.
  public struct Node: Sendable {
    /// Its machine.
    public var machine: Kademlia
    /// Where it is.
    public let contact: Contact
    /// Whether it runs; a node that does not is silent.
    public var isAlive = true
    /// Nodes of different sides don't hear each other.
    public var side = 0
    /// Requests of its own that ended.
    public fileprivate(set) var outcomes: [RequestID: (at: Instant, outcome: Outcome)] = [:]
    fileprivate var wakesAt = Instant(nanoseconds: .max)
  }

  private enum Event: Sendable {
    case deliver(Message, from: Int, to: Int)
    case wake(Int)
  }

  private struct Scheduled: Comparable, Sendable {
    let at: Instant
    let order: UInt64
    let event: Event

    static func < (left: Scheduled, right: Scheduled) -> Bool {
      (left.at, left.order) < (right.at, right.order)
    }

    static func == (left: Scheduled, right: Scheduled) -> Bool { left.order == right.order }
  }

  /// The nodes, in the order in which they were added.
  public private(set) var nodes: [Node] = []
  /// The time.
  public private(set) var clock: VirtualClock
  /// The digest of every delivery so far.
  public private(set) var trace = TraceDigest()
  /// Requests sent by anyone.
  public private(set) var requestCount = 0
  /// Loss, delay and jitter from now on.
  public var conditions: Conditions
  /// The randomness of everything.
  public var random: SplitMix64

  private let pairSeed: UInt64
  private var events = Heap<Scheduled>()
  private var lastOrder: UInt64 = 0
  private var indexOfAddress: [Address: Int] = [:]

  /// An empty network.
  public init(
    seed: UInt64, conditions: Conditions = Conditions(), clock: VirtualClock = VirtualClock()
  ) {
    random = SplitMix64(seed: seed)
    pairSeed = random.next()
    self.conditions = conditions
    self.clock = clock
  }

  /// Adds a node at an address, by default the next of 10.0.0.0/8; returns its place.
  @discardableResult
  public mutating func add(
    settings: KademliaSettings = KademliaSettings(), at address: Address? = nil,
    validator: any RecordValidator = OpenRecords()
  ) -> Int {
    let index = nodes.count
    let address =
      address ?? Address(ip: .v4(0x0A00_0001 + UInt32(truncatingIfNeeded: index)), port: 7782)
    let key = PublicKey(Bytes32.random(using: &random))
    let machine = Kademlia(key: key, settings: settings, validator: validator, now: clock.now)
    nodes.append(Node(machine: machine, contact: Contact(key: key, address: address)))
    indexOfAddress[address] = index
    scheduleWake(index)
    return index
  }

  /// Begins a request at a node.
  public mutating func begin(_ request: Request, at index: Int) -> RequestID {
    let (id, actions) = nodes[index].machine.begin(
      request, now: clock.now, wall: clock.wall, using: &random)
    perform(actions, at: index)
    return id
  }

  /// Delivers a message as if it came from a contact, whoever that is; for hostile scripts.
  public mutating func inject(_ message: Message, from contact: Contact, to index: Int) {
    let origin = Origin(contact: contact, isProven: true, replyBudget: Self.replyBudget)
    let actions = nodes[index].machine.receive(
      message, from: origin, now: clock.now, wall: clock.wall, using: &random)
    perform(actions, at: index)
  }

  /// How a request ended, if it has.
  public func outcome(of id: RequestID, at index: Int) -> Outcome? {
    nodes[index].outcomes[id]?.outcome
  }

  /// When a request ended, if it has.
  public func end(of id: RequestID, at index: Int) -> Instant? {
    nodes[index].outcomes[id]?.at
  }

  /// Stops or restarts nodes without telling anyone.
  public mutating func setAlive(_ isAlive: Bool, _ indices: some Sequence<Int>) {
    for index in indices { nodes[index].isAlive = isAlive }
    if isAlive { for index in indices { scheduleWake(index) } }
  }

  /// Puts nodes on a side; sides don't hear each other until they are made one again.
  public mutating func setSide(_ side: Int, _ indices: some Sequence<Int>) {
    for index in indices { nodes[index].side = side }
  }

  /// Changes a node's machine, for settings that the owner may change.
  public mutating func update(_ index: Int, _ change: (inout Kademlia) -> Void) {
    change(&nodes[index].machine)
  }

  /// Lets a span of time pass.
  public mutating func run(for span: Duration) {
    run(until: clock.now + span)
  }

  /// Lets time pass until a request has ended, at most `limit`; whether it has.
  public mutating func run(
    untilEndOf id: RequestID, at index: Int, limit: Duration = .seconds(60)
  ) -> Bool {
    let end = clock.now + limit
    while nodes[index].outcomes[id] == nil {
      guard let next = events.min, next.at <= end else { return false }
      step()
    }
    return true
  }

  private mutating func run(until end: Instant) {
    while let next = events.min, next.at <= end { step() }
    clock.advance(to: end)
  }

  private mutating func step() {
    guard let next = events.popMin() else { return }
    clock.advance(to: next.at)
    switch next.event {
    case .wake(let index):
      guard nodes[index].wakesAt <= next.at else { return }
      nodes[index].wakesAt = Instant(nanoseconds: .max)
      guard nodes[index].isAlive else { return }
      let actions = nodes[index].machine.tick(
        now: clock.now, wall: clock.wall, using: &random)
      perform(actions, at: index)
    case .deliver(let message, let from, let to):
      guard nodes[to].isAlive, nodes[to].side == nodes[from].side else { return }
      trace.add(next.at.nanoseconds)
      trace.add(UInt64(from) << 32 | UInt64(to))
      trace.add(message.transaction)
      let origin = Origin(
        contact: nodes[from].contact, isProven: true, replyBudget: Self.replyBudget)
      let actions = nodes[to].machine.receive(
        message, from: origin, now: clock.now, wall: clock.wall, using: &random)
      perform(actions, at: to)
    }
  }

  private mutating func perform(_ actions: [Action], at index: Int) {
    for action in actions {
      switch action {
      case .send(let message, let contact): send(message, from: index, to: contact)
      case .finished(let id, let outcome): nodes[index].outcomes[id] = (clock.now, outcome)
      case .kept: break
      }
    }
    scheduleWake(index)
  }

  private mutating func send(_ message: Message, from: Int, to contact: Contact) {
    if message.isRequest { requestCount += 1 }
    guard let to = indexOfAddress[contact.address], nodes[to].contact.key == contact.key else {
      return
    }
    if conditions.loss > 0, Double.random(in: 0..<1, using: &random) < conditions.loss { return }
    var delay = delay(between: from, and: to)
    if conditions.jitter > .zero {
      delay += .nanoseconds(Int64.random(in: 0...conditions.jitter.nanoseconds, using: &random))
    }
    schedule(.deliver(message, from: from, to: to), at: clock.now + delay)
  }

  /// The delay of a pair, the same in both directions.
  private func delay(between one: Int, and other: Int) -> Duration {
    let pair = UInt64(min(one, other)) << 32 | UInt64(max(one, other))
    var draw = SplitMix64(seed: pairSeed ^ pair &* 0x9E37_79B9_7F4A_7C15)
    let range = conditions.delay.lowerBound.nanoseconds...conditions.delay.upperBound.nanoseconds
    return .nanoseconds(Int64.random(in: range, using: &draw))
  }

  private mutating func scheduleWake(_ index: Int) {
    let wanted = max(nodes[index].machine.nextDeadline, clock.now)
    guard wanted < nodes[index].wakesAt else { return }
    nodes[index].wakesAt = wanted
    schedule(.wake(index), at: wanted)
  }

  private mutating func schedule(_ event: Event, at instant: Instant) {
    lastOrder += 1
    events.insert(Scheduled(at: instant, order: lastOrder, event: event))
  }

  /// What a proven sender's reply may have: a whole datagram without the driver's cookie.
  private static let replyBudget = DatagramBox.capacity - 19
}
