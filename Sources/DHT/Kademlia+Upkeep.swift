public import Wire

/// What a node does without being asked, and what can be seen of it.
extension Kademlia {
  mutating func upkeep(_ step: inout Step) {
    nextUpkeep = step.now + settings.upkeepInterval
    store.expire(now: step.now, wall: step.wall)
    for contact in table.silent(now: step.now, limit: 8) { check(contact, &step) }
    if let bucket = table.stalestBucket(now: step.now) {
      let target = table.randomID(inBucket: bucket, using: &step.random)
      table.touchBucket(bucket, now: step.now)
      refresh(target, &step)
    }
    if nextRepair <= step.now {
      // Jittered anew each time, so that replicas drift apart.
      let jitter = Double(step.random.next() >> 11) / 0x1p53
      nextRepair = step.now + settings.repairInterval * (0.75 + jitter / 2)
      if !settings.isClient { repair(&step) }
    }
  }

  /// Whether no contact answered its last request: nobody is known, or the link is down.
  public var isIsolated: Bool { table.answeringCount == 0 }

  /// Our address as others see it, if any has said.
  public var observedAddress: Address? { observations.address }

  /// The contacts to write down for the next start: live, longest known first, at most `limit`.
  public func contactsToSave(limit: Int) -> [Contact] {
    table.entries.filter(\.isLive).prefix(limit).map(\.contact)
  }

  /// Every live contact's node key and address, nearest to a target first.
  public func closestContacts(to target: Bytes32, count: Int) -> [Contact] {
    table.closest(to: target, count: count)
  }

  /// What an operator may want to know of the machine.
  public var status: KademliaStatus {
    KademliaStatus(
      contacts: table.count, liveContacts: table.liveCount, buckets: table.depth,
      records: store.count, providerRecords: store.providerCount, recordKeys: store.keyCount,
      recordBytes: ByteCount(UInt64(store.byteCount)), requestsRunning: queries.count,
      callsOutstanding: calls.count, estimatedNodes: Int(sizeEstimate.rounded()),
      meanRoundTrip: roundTrip.isUnknown ? nil : roundTrip.mean, observed: observedAddress,
      counters: counters)
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
  /// What was counted since the start.
  public let counters: KademliaCounters
}
