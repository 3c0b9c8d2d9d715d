import Cryptography
public import DHT
public import Wire

/// Many DHT nodes in one thread, on a network with latency, jitter, loss, NATs and partitions.
///
/// Everything follows from the seed: the same calls in the same order give the same `trace`.
public struct VirtualNetwork {
  /// The nodes, in the order in which they were added.
  public internal(set) var nodes: [VirtualNode] = []
  /// The time.
  public private(set) var clock: VirtualClock
  /// The digest of every delivery so far.
  public private(set) var trace = TraceDigest()
  /// Requests sent by anyone.
  public internal(set) var requestCount = 0
  /// Bytes sent by anyone, the headers of IP and UDP included.
  public internal(set) var byteCount = 0
  /// Loss, delay and jitter from now on.
  public var conditions: NetworkConditions
  /// The randomness of everything.
  public var random: SplitMix64
  /// How nodes come and go from now on; nil if they stay.
  public internal(set) var churn: Churn?
  /// Nodes that went since the start.
  public internal(set) var departures = 0

  var events = EventQueue()
  var parcels: [Parcel?] = []
  var freeParcels: [Int] = []
  var indexOfAddress: [Address: Int] = [:]
  var natted: [IPAddress: Int] = [:]
  /// For a NATed node, the ways that it has opened.
  var written: [Int: Mappings] = [:]
  var cookies: CookieMemory
  var liars = LiarRing([])
  var defaults = KademliaSettings()
  private var watched: Set<Watch> = []
  private var ends: [Watch: (at: Instant, outcome: Outcome)] = [:]

  /// A request whose end somebody asks about.
  private struct Watch: Hashable {
    let node: Int
    let request: RequestID
  }

  /// An empty network, meant for about `size` nodes.
  public init(
    seed: UInt64, conditions: NetworkConditions = NetworkConditions(),
    clock: VirtualClock = VirtualClock(), size: Int = 256
  ) {
    random = SplitMix64(seed: seed)
    self.conditions = conditions
    self.clock = clock
    cookies = CookieMemory(pairs: size * 256)
    nodes.reserveCapacity(size)
  }

  /// Begins a request at a node.
  public mutating func begin(_ request: Request, at index: Int) -> RequestID {
    let (id, actions) = nodes[index].machine.begin(
      request, now: clock.now, wall: clock.wall, using: &random)
    watched.insert(Watch(node: index, request: id))
    perform(actions, at: index)
    return id
  }

  /// Begins a request whose end nobody asks about.
  public mutating func start(_ request: Request, at index: Int) {
    let (_, actions) = nodes[index].machine.begin(
      request, now: clock.now, wall: clock.wall, using: &random)
    perform(actions, at: index)
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
    ends[Watch(node: index, request: id)]?.outcome
  }

  /// When a request ended, if it has.
  public func end(of id: RequestID, at index: Int) -> Instant? {
    ends[Watch(node: index, request: id)]?.at
  }

  /// Forgets how a request ended.
  public mutating func forget(_ id: RequestID, at index: Int) {
    ends[Watch(node: index, request: id)] = nil
    watched.remove(Watch(node: index, request: id))
  }

  /// The node that has this very address.
  public func index(of address: Address) -> Int? { indexOfAddress[address] }

  /// Changes a node's machine, for settings that the owner may change.
  public mutating func update(_ index: Int, _ change: (inout Kademlia) -> Void) {
    change(&nodes[index].machine)
  }

  /// Lets a span of time pass.
  public mutating func run(for span: Duration) {
    let end = clock.now + span
    while let next = events.next, next <= end.nanoseconds { step() }
    clock.advance(to: end)
  }

  /// Lets time pass until a request has ended, at most `limit`; whether it has.
  public mutating func run(
    untilEndOf id: RequestID, at index: Int, limit: Duration = .seconds(60)
  ) -> Bool {
    let end = clock.now + limit
    let watch = Watch(node: index, request: id)
    while ends[watch] == nil {
      guard let next = events.next, next <= end.nanoseconds else { return false }
      step()
    }
    return true
  }

  private mutating func step() {
    guard let (at, kind, number) = events.pop() else { return }
    clock.advance(to: Instant(nanoseconds: at))
    switch kind {
    case .wake: wake(number, at)
    case .departure: depart(number)
    case .parcel:
      guard let parcel = parcels[number] else { return }
      parcels[number] = nil
      freeParcels.append(number)
      deliver(parcel)
    }
  }

  private mutating func wake(_ index: Int, _ at: UInt64) {
    guard nodes[index].wakesAt <= at else { return }
    nodes[index].wakesAt = .max
    guard nodes[index].isAlive else { return }
    guard nodes[index].machine.nextDeadline <= clock.now else { return scheduleWake(index) }
    let actions = nodes[index].machine.tick(now: clock.now, wall: clock.wall, using: &random)
    perform(actions, at: index)
  }

  private mutating func deliver(_ parcel: Parcel) {
    let to = parcel.to
    guard nodes[to].isAlive, nodes[to].generation == parcel.generation,
      nodes[to].side == nodes[parcel.from].side
    else { return }
    trace.add(clock.now.nanoseconds)
    trace.add(UInt64(parcel.from) << 32 | UInt64(to))
    trace.add(parcel.message.transaction)
    if !parcel.message.isRequest {
      cookies.note(holder: to, giver: parcel.from, now: clock.now)
    }
    if nodes[to].isLiar {
      guard let body = liars.answer(to: parcel.message.body, from: parcel.sender) else { return }
      let reply = Message(
        transaction: parcel.message.transaction, isClient: false, body: body)
      return send(reply, from: to, to: parcel.sender)
    }
    let origin = Origin(
      contact: parcel.sender, isProven: parcel.isProven, replyBudget: Self.replyBudget)
    let actions = nodes[to].machine.receive(
      parcel.message, from: origin, now: clock.now, wall: clock.wall, using: &random)
    perform(actions, at: to)
  }

  mutating func perform(_ actions: [Action], at index: Int) {
    for action in actions {
      switch action {
      case .send(let message, let contact): send(message, from: index, to: contact)
      case .finished(let id, let outcome):
        let watch = Watch(node: index, request: id)
        if watched.remove(watch) != nil { ends[watch] = (clock.now, outcome) }
      case .kept: break
      }
    }
    scheduleWake(index)
  }

  mutating func scheduleWake(_ index: Int) {
    let wanted = max(nodes[index].machine.nextDeadline, clock.now).nanoseconds
    guard wanted < nodes[index].wakesAt else { return }
    nodes[index].wakesAt = wanted
    events.insert(.wake, index, at: wanted)
  }

  /// What a proven sender's reply may have: a whole datagram without the driver's cookie.
  static let replyBudget = DatagramBox.capacity - 19
}
