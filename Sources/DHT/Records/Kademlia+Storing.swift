import Cryptography
import Wire

/// Puts: storing records at the nodes nearest to their keys, and saying how many keep them.
extension Kademlia {
  /// The bytes of records that one STORE may carry.
  private static let storeRoom =
    DatagramBox.capacity - MessageSize.envelope - MessageSize.cookie

  /// Assigns a finished look-up's records to the nodes it found.
  mutating func placeRecords(of index: Int, in query: inout Query, _ step: inout Step) {
    guard case .put(var put) = query.goal else { return }
    let nearest = query.searches[index].lookup.closestAnswered(settings.bucketSize)
    let target = query.searches[index].lookup.target
    if isAmongNearest(to: target, nearest) {
      // The own copy is not counted: what matters is who has it when we are gone.
      for place in put.placesOfLookup[index] {
        _ = store.insert(
          put.records[place], from: Self.ownAddress,
          isTrusted: trustedIssuers.contains(put.records[place].publisher), now: step.now,
          wall: step.wall)
      }
    }
    for contact in nearest where query.searches[index].placed.insert(contact.key).inserted {
      put.enqueue(put.placesOfLookup[index], for: contact)
    }
    giveSeeders(index, of: &query, &put)
    query.goal = .put(put)
  }

  /// Stores at a node that has just answered if it is so near to a key that it will be among the
  /// nearest with 90 % certainty: the search need not end first.
  ///
  /// Of N nodes, the number that lie nearer than a node at x of the id space is Poisson with mean
  /// N·x; at two thirds of the mean of 16 it is below 16 in 93 of 100 cases.
  mutating func placeEarly(
    _ indices: [Int], _ contact: Contact, _ query: inout Query, _ step: inout Step
  ) {
    guard case .put(var put) = query.goal, sizeEstimate > 0 else { return }
    let near = radius(times: 0.67)
    for index in indices where !query.searches[index].isOver {
      let search = query.searches[index]
      guard search.parent == nil,
        contact.id.bytes.words.0 ^ search.lookup.target.words.0 <= near,
        query.searches[index].placed.insert(contact.key).inserted
      else { continue }
      put.enqueue(put.placesOfLookup[index], for: contact)
    }
    query.goal = .put(put)
  }

  /// Sends a put's records on their way while there is room for calls.
  mutating func sendStores(of query: inout Query, _ step: inout Step) {
    guard case .put(var put) = query.goal, !put.waiting.isEmpty else { return }
    while put.outstanding < settings.callsPerQuery, calls.count < settings.callLimit {
      let records = put.records
      let next = put.dequeue { places in
        firstBatch(places.map { records[$0].bytes.count })
      }
      guard let (contact, places) = next else { break }
      let encoded = places.map {
        EncodedRecord(kind: records[$0].kind, bytes: records[$0].bytes)
      }
      call(contact, .store(encoded), .store(query.id, places: places), &step)
      put.outstanding += 1
    }
    if put.outstanding == 0, !put.waiting.isEmpty {
      schedule(.resume(query.id), at: step.now + settings.softTimeout.lowerBound)
    }
    query.goal = .put(put)
  }

  /// Counts what a node did with a put's records; one without our cookie is asked once more.
  mutating func takeStored(
    _ body: Message.Body, _ id: RequestID, _ places: [Int], of call: Call, _ step: inout Step
  ) {
    guard case .stored(let results) = body, results.count == places.count,
      case .put(var put)? = queries[id]?.goal
    else { return storeEnded(id, &step) }
    if results.contains(.needsCookie), !call.hasRetriedCookie,
      self.call(call.contact, call.body, call.purpose, hasRetriedCookie: true, &step)
    {
      return
    }
    for (place, result) in zip(places, results) {
      if result == .stored { put.storedOn[place] += 1 }
      if result == .futureDated { counters.ownFromTheFuture += 1 }
    }
    queries[id]?.goal = .put(put)
    storeEnded(id, &step)
  }

  /// Notes that one STORE of a put is over.
  mutating func storeEnded(_ id: RequestID, _ step: inout Step) {
    guard case .put(var put)? = queries[id]?.goal else { return }
    put.outstanding -= 1
    queries[id]?.goal = .put(put)
    advance(id, &step)
  }

  /// Whether we ourselves belong to the replicas of a key.
  private func isAmongNearest(to target: Bytes32, _ nearest: [Contact]) -> Bool {
    guard !settings.isClient, nearest.first.map({ !isUnreached(for: $0) }) ?? true else {
      return false
    }
    guard nearest.count >= settings.bucketSize, let last = nearest.last else { return true }
    return id.bytes ^ target < last.id.bytes ^ target
  }

  /// How many of the first records of these sizes fit one datagram.
  private func firstBatch(_ sizes: [Int]) -> Int {
    var room = Self.storeRoom
    var count = 0
    for size in sizes.prefix(Message.recordsPerMessage) {
      room -= size + MessageSize.storedOverhead
      guard room >= 0 else { break }
      count += 1
    }
    return count
  }

  /// Compares what we keep with the fellow replicas that we know (repair instead of republishing).
  mutating func repair(_ step: inout Step) {
    var keysOfContact: [PublicKey: [Bytes32]] = [:]
    var contacts: [Contact] = []
    for key in store.keys {
      let nearest = table.closest(to: key, count: settings.bucketSize)
      guard isAmongNearest(to: key, nearest) else { continue }
      for contact in nearest {
        if keysOfContact[contact.key] == nil { contacts.append(contact) }
        keysOfContact[contact.key, default: []].append(key)
      }
    }
    for contact in contacts { compare(contact, keysOfContact[contact.key] ?? [], &step) }
  }

  private mutating func compare(
    _ contact: Contact, _ keys: [Bytes32], _ step: inout Step
  ) {
    var digests: [UInt64] = []
    var asked: [Bytes32] = []
    for key in keys {
      let held = store.entries(under: key).map(\.digest)
      if digests.count + held.count > Message.digestsPerRequest {
        call(contact, .have(digests), .compare(asked), &step)
        digests = []
        asked = []
      }
      digests += held.prefix(Message.digestsPerRequest)
      asked.append(key)
    }
    if !digests.isEmpty { call(contact, .have(digests), .compare(asked), &step) }
  }

  /// Stores at a fellow replica what it said it lacks.
  mutating func give(
    _ places: [Int], of call: Call, under keys: [Bytes32], _ step: inout Step
  ) {
    guard case .have(let digests) = call.body else { return }
    var wanted: Set<UInt64> = []
    for place in places where digests.indices.contains(place) { wanted.insert(digests[place]) }
    var records: [Record] = []
    for key in keys {
      for entry in store.entries(under: key) where wanted.contains(entry.digest) {
        records.append(entry.record)
      }
    }
    var rest = records[...]
    while !rest.isEmpty {
      let batch = rest.prefix(max(1, firstBatch(rest.map(\.bytes.count))))
      rest = rest.dropFirst(batch.count)
      let encoded = batch.map { EncodedRecord(kind: $0.kind, bytes: $0.bytes) }
      self.call(call.contact, .store(encoded), .repair, &step)
    }
  }

  /// Stands for ourselves as the source of a record: never sent anywhere.
  private static let ownAddress = Address(ip: .v4(0), port: 0)
}
