import Cryptography
import HeapModule
public import Wire

/// What a node does without being asked, and what can be seen of it.
extension Kademlia {
  mutating func upkeep(_ step: inout Step) {
    let elapsed = step.now - lastUpkeep
    if elapsed >= settings.upkeepInterval {
      lastUpkeep = step.now
      store.expire(now: step.now, wall: step.wall)
      tryContacts(min(elapsed, .seconds(120)), &step)
      reviveOne(&step)
      keepRendezvous(&step)
      _ = estimatedSize(now: step.now)
      shrink()
    }
    askToBeReached(&step)
    let isFilling = fillOneBucket(&step)
    nextUpkeep = step.now + (isFilling ? settings.fillingInterval : settings.upkeepInterval)
    if isCut { lookForLink(&step) }
    if nextNeighbourhood <= step.now {
      lookIntoNeighbourhood(&step)
    }
    if nextRepair <= step.now {
      // Jittered anew each time, so that replicas drift apart.
      nextRepair = step.now + jittered(settings.repairInterval, &step)
      if !settings.isClient { repair(&step) }
    }
  }

  func jittered(_ span: Duration, _ step: inout Step) -> Duration {
    span * (0.75 + Double(step.random.next() >> 11) / 0x1p54)
  }

  /// Tries contacts that have been silent for long or did not answer lately.
  ///
  /// How many depends on how many of the last tries failed: a table of a quiet network costs little,
  /// one of a restless network stays fresh.
  private mutating func tryContacts(_ elapsed: Duration, _ step: inout Step) {
    let bounds = settings.checksPerMinute
    let rate = min(bounds.upperBound, bounds.lowerBound * (1 + 20 * failureShare))
    checkCredit = min(checkCredit + rate * elapsed.inSeconds / 60, 2 * bounds.upperBound)
    var room = Int(checkCredit)
    for contact in table.silent(now: step.now, limit: min(room, 4)) {
      check(contact, &step)
      room -= 1
      checkCredit -= 1
    }
    guard room > 0 else { return }
    for contact in table.stalest(room, age: settings.checkAge, now: step.now) {
      check(contact, as: .liveness, &step)
      checkCredit -= 1
    }
  }

  /// Tries a contact every few seconds while nobody answers, so that a link that is back is seen.
  private mutating func lookForLink(_ step: inout Step) {
    nextUpkeep = min(nextUpkeep, step.now + settings.lostLinkInterval)
    let place = Bytes32.random(using: &step.random)
    let contact = table.closest(to: place, count: 1, includesSilent: true).first
    if let contact, !isBeingAsked(contact) { check(contact, &step) }
  }

  /// Asks a contact of the widest bucket with room for others of that bucket; whether it did.
  private mutating func fillOneBucket(_ step: inout Step) -> Bool {
    // Beyond this depth there are fewer nodes than places: the neighbourhood look-up finds them.
    let shares = max(1, Int(sizeEstimate) / settings.bucketSize)
    let depth = Int.bitWidth - shares.leadingZeroBitCount
    guard let bucket = table.hungryBucket(now: step.now, depth: depth) else { return false }
    table.feeding(bucket, now: step.now)
    let target = table.randomID(inBucket: bucket, using: &step.random)
    let feeder =
      table.feeder(of: bucket, using: &step.random) ?? table.closest(to: target, count: 1).first
    guard let feeder, calls.count < settings.callLimit / 2,
      budget.admits(feeder.address, now: step.now)
    else { return false }
    call(feeder, .find([target]), .fill(bucket), &step)
    return true
  }

  /// Gets to know the contacts that a node told for a bucket.
  mutating func fill(_ bucket: Int, from contacts: [Contact], _ step: inout Step) {
    var wanted = 0
    let need = table.need(of: bucket)
    for contact in contacts where wanted < need && table.wants(contact) {
      if !isBeingAsked(contact), budget.room(now: step.now) > settings.newDestinationBurst / 5 {
        check(contact, &step)
      }
      wanted += 1
    }
    table.fed(bucket, by: wanted, now: step.now)
    if wanted > 0 { nextUpkeep = min(nextUpkeep, step.now + settings.fillingInterval) }
  }

  /// Looks for the nodes nearest to ourselves: they share our records.
  mutating func lookIntoNeighbourhood(through contact: Contact? = nil, _ step: inout Step) {
    let span = settings.neighbourhoodInterval
    // A client is looked for at the nodes nearest to it: it must know when there are nearer ones.
    let isRestless = failureShare > 0.04 || provesReach && !reach.isReached
    nextNeighbourhood = step.now + jittered(isRestless ? span / 3 : span, &step)
    let id = newRequestID()
    var query = Query(id: id, goal: .find, targets: [self.id.bytes], width: 8)
    if let contact { query.searches[0].lookup.add(contact) }
    queries[id] = query
    advance(id, &step)
  }

  /// Now and then tries one of those that were given up: after a partition they are the way back.
  private mutating func reviveOne(_ step: inout Step) {
    guard nextRevival <= step.now, let contact = departed.next() else { return }
    nextRevival = step.now + .seconds(120)
    check(contact, as: .revival, &step)
  }

  /// Gives back what a burst of work has taken.
  private mutating func shrink() {
    if calls.capacity > 16, calls.count < calls.capacity / 4 { calls = calls.filter { _ in true } }
    if queries.isEmpty, queries.capacity > 4 { queries = [:] }
    if deadlines.isEmpty {
      deadlines = Heap()
    } else if deadlinePeak > 16, deadlines.count < deadlinePeak / 4 {
      deadlines = Heap(deadlines.unordered)
    }
    deadlinePeak = deadlines.count
  }

  /// Whether no contact answered its last request: nobody is known, or the link is down.
  public var isIsolated: Bool { isCut || table.answeringCount == 0 }

  /// Whether so many requests in a row to anybody went unanswered that it must be our own link.
  var isCut: Bool { silence >= 6 }

  /// Our address as others see it, if any has said.
  public var observedAddress: Address? { observations.address }

  /// The addresses at which observers of different networks see us, the latest first: behind a symmetric
  /// NAT there are many.
  public var observedAddresses: [Address] { observations.all }

  /// The contacts to write down for the next start: live, longest known first, at most `limit`.
  public func contactsToSave(limit: Int) -> [Contact] {
    table.entries.filter(\.isLive).prefix(limit).map(\.contact)
  }

  /// Every live contact's node key and address, nearest to a target first.
  public func closestContacts(to target: Bytes32, count: Int) -> [Contact] {
    table.closest(to: target, count: count)
  }

  /// The estimated number of nodes in the network; 0 while nobody is known.
  package func networkSize(now: Instant) -> Double {
    var copy = self
    return copy.estimatedSize(now: now)
  }

  /// The records kept under a key, for simulations.
  package func keptRecords(under key: Bytes32) -> [Record] {
    store.entries(under: key).map(\.record)
  }

  /// The bytes kept from the /24 of an IPv4 address, for simulations.
  package func bytesKept(from network: UInt32) -> Int {
    store.bytes(from: IPAddress.v4(network).network(24))
  }

  /// What an operator may want to know of the machine.
  public var status: KademliaStatus {
    KademliaStatus(
      contacts: table.count, liveContacts: table.liveCount, buckets: table.depth,
      records: store.count, providerRecords: store.providerCount, recordKeys: store.keyCount,
      recordBytes: ByteCount(UInt64(store.byteCount)), requestsRunning: queries.count,
      callsOutstanding: calls.count, estimatedNodes: Int(sizeEstimate.rounded()),
      meanRoundTrip: roundTrip.isUnknown ? nil : roundTrip.mean, observed: observedAddress,
      isServer: !settings.isClient && (!provesReach || reach.isReached), counters: counters)
  }
}

/// The state of a machine in numbers.
public struct KademliaStatus: Sendable, Equatable {
  /// Contacts in the table.
  public let contacts: Int
  /// Those that missed at most one request in a row.
  public let liveContacts: Int
  /// Buckets down to the deepest that was filled.
  public let buckets: Int
  /// Records kept for others.
  public let records: Int
  /// Those among them that announce a provider.
  public let providerRecords: Int
  /// Keys that they stand under.
  public let recordKeys: Int
  /// Their bytes with what is kept around them.
  public let recordBytes: ByteCount
  /// Requests of our own that run.
  public let requestsRunning: Int
  /// Calls to others that wait for a reply.
  public let callsOutstanding: Int
  /// The estimated number of nodes in the network; 0 before the first store was judged.
  public let estimatedNodes: Int
  /// The smoothed round trip to anyone; nil before the first reply.
  public let meanRoundTrip: Duration?
  /// Our address as others see it.
  public let observed: Address?
  /// Whether it serves everybody: not a client by configuration, nor for the internet because too few
  /// have reached it.
  public let isServer: Bool
  /// What was counted since the start.
  public let counters: KademliaCounters
}
