public import Cryptography
public import DHT
public import Wire

/// Nodes that come, go, lie or live on another side.
extension VirtualNetwork {
  /// Adds a node at an address, by default the next of 10.0.0.0/8; returns its place.
  @discardableResult
  public mutating func add(
    settings: KademliaSettings = KademliaSettings(), at address: Address? = nil,
    validator: any RecordValidator = OpenRecords(), nat: NATKind = .open
  ) -> Int {
    let index = nodes.count
    let address =
      address ?? Address(ip: .v4(0x0A00_0001 + UInt32(truncatingIfNeeded: index)), port: 7782)
    let key = PublicKey(Bytes32.random(using: &random))
    let machine = Kademlia(key: key, settings: settings, validator: validator, now: clock.now)
    let contact = Contact(key: key, id: machine.id, address: address)
    nodes.append(node(machine, contact, generation: 0))
    nodes[index].nat = nat
    indexOfAddress[address] = index
    if nat != .open { natted[address.ip] = index }
    scheduleWake(index)
    scheduleDeparture(index)
    return index
  }

  /// Adds an attacker of the ring of liars with an id of its choice, as if it had ground for it.
  @discardableResult
  public mutating func addLiar(id: NodeID, at address: Address) -> Int {
    let index = nodes.count
    let key = PublicKey(Bytes32.random(using: &random))
    let machine = Kademlia(key: key, validator: OpenRecords(), now: clock.now)
    nodes.append(
      node(machine, Contact(key: key, id: id, address: address), generation: 0))
    nodes[index].isLiar = true
    indexOfAddress[address] = index
    return index
  }

  /// Makes these nodes the ring of liars.
  public mutating func setLiars(_ indices: some Sequence<Int>) {
    var members: [Contact] = []
    for index in indices {
      nodes[index].isLiar = true
      members.append(nodes[index].contact)
    }
    liars = LiarRing(members)
  }

  /// A random global address that nobody has.
  public mutating func freshAddress() -> Address {
    while true {
      let address = Address(ip: .v4(UInt32(truncatingIfNeeded: random.next())), port: 7782)
      if address.ip.isGlobal, indexOfAddress[address] == nil { return address }
    }
  }

  /// Stops or restarts nodes without telling anyone.
  public mutating func setAlive(_ isAlive: Bool, _ indices: some Sequence<Int>) {
    for index in indices {
      nodes[index].isAlive = isAlive
      if isAlive {
        nodes[index].wakesAt = .max
        scheduleWake(index)
      }
    }
  }

  /// Puts nodes on a side; sides don't hear each other until they are made one again.
  public mutating func setSide(_ side: Int, _ indices: some Sequence<Int>) {
    for index in indices { nodes[index].side = side }
  }

  /// Lets nodes come and go from now on, each followed at once by a new one that joins; nil ends it.
  public mutating func setChurn(_ churn: Churn?, settings: KademliaSettings = KademliaSettings()) {
    self.churn = churn
    defaults = settings
    guard churn != nil else { return }
    for index in nodes.indices where nodes[index].isAlive && !nodes[index].isLiar {
      scheduleDeparture(index)
    }
  }

  /// A random node that runs and is honest, and is behind no NAT unless any will do.
  public mutating func anyNode(isOpen: Bool = true) -> Int {
    while true {
      let index = Int(random.next() % UInt64(nodes.count))
      if nodes[index].isAlive, !nodes[index].isLiar, !isOpen || nodes[index].nat == .open {
        return index
      }
    }
  }

  /// Ends a node's session and lets a new one begin in its place.
  mutating func depart(_ index: Int) {
    guard let churn else { return }
    if churn.gracefulShare > 0, !nodes[index].isLeaving,
      Double.random(in: 0..<1, using: &random) < churn.gracefulShare
    {
      nodes[index].isLeaving = true
      let actions = nodes[index].machine.leave(
        now: clock.now, wall: clock.wall, using: &random)
      perform(actions, at: index)
      let end = clock.now + Self.farewell
      return events.insert(.departure, index, at: end.nanoseconds)
    }
    departures += 1
    indexOfAddress[nodes[index].contact.address] = nil
    let generation = nodes[index].generation + 1
    let address = freshAddress()
    let key = PublicKey(Bytes32.random(using: &random))
    let machine = Kademlia(
      key: key, settings: defaults, validator: OpenRecords(), now: clock.now)
    nodes[index].isAlive = false
    let entry = nodes[anyNode()].contact
    nodes[index] = node(
      machine, Contact(key: key, id: machine.id, address: address), generation: generation)
    indexOfAddress[address] = index
    scheduleDeparture(index)
    start(.join([entry]), at: index)
  }

  /// How long a node that goes by intent still answers.
  private static let farewell = Duration.seconds(1)

  private mutating func scheduleDeparture(_ index: Int) {
    guard let churn else { return }
    let span = churn.draw(using: &random)
    events.insert(.departure, index, at: (clock.now + span).nanoseconds)
  }

  private mutating func node(
    _ machine: Kademlia, _ contact: Contact, generation: UInt32
  ) -> VirtualNode {
    let x = Float(random.next() >> 40) / Float(1 << 24)
    let y = Float(random.next() >> 40) / Float(1 << 24)
    return VirtualNode(
      machine: machine, contact: contact, x: x, y: y, generation: generation)
  }
}
