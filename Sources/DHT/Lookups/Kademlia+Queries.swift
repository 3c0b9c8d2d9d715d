import Cryptography
import Wire

/// Searches: whom to ask next, what a reply brings, when a request is over.
extension Kademlia {
  mutating func makeQuery(_ request: Request, _ step: inout Step) -> RequestID {
    let id = newRequestID()
    let width = settings.bucketSize
    let radius = radius()
    let query: Query
    switch request {
    case .get(let keys, let kind, let issuers, let accept):
      let goal = Query.Goal.get(kind: kind, issuers: issuers, accept: accept)
      query = Query(id: id, goal: goal, targets: unique(keys), width: width, radius: radius)
    case .put(let records):
      let targets = unique(records.map(\.key))
      var places = [[Int]](repeating: [], count: targets.count)
      var placeOfKey: [Bytes32: Int] = [:]
      for (place, key) in targets.enumerated() { placeOfKey[key] = place }
      for (place, record) in records.enumerated() {
        if let target = placeOfKey[record.key] { places[target].append(place) }
      }
      let put = Query.Put(records: records, placesOfLookup: places)
      query = Query(id: id, goal: .put(put), targets: targets, width: width, radius: radius)
    case .find(let target):
      query = Query(id: id, goal: .find, targets: [target], width: width)
    case .punch(let peer):
      query = Query(id: id, goal: .punch(peer), targets: [NodeID(of: peer).bytes], width: width)
    case .join(let contacts):
      var joining = Query(id: id, goal: .join, targets: [self.id.bytes], width: width)
      for contact in contacts where contact.key != key {
        joining.searches[0].lookup.add(contact)
      }
      query = joining
    }
    queries[id] = query
    return id
  }

  /// Starts, asks and ends what can be started, asked and ended now.
  mutating func advance(_ id: RequestID, _ step: inout Step) {
    guard var query = queries.removeValue(forKey: id) else { return }
    start(&query, &step)
    var hasEnded = true
    while hasEnded {
      hasEnded = false
      ask(&query, &step)
      for index in query.active
      where query.searches[index].helpers == 0
        && query.searches[index].lookup.isExhausted(isPatient: query.isPatient)
      {
        if !widen(index, of: &query, &step) { end(index, of: &query, &step) }
        hasEnded = true
      }
      if hasEnded { start(&query, &step) }
    }
    sendStores(of: &query, &step)
    if query.isFinished, case .punch(let peer) = query.goal {
      beginPunch(peer, query, &step)
    } else if query.isFinished {
      step.actions.append(.finished(id, query.outcome))
      // The buckets beside our own neighbourhood are filled from now on (Kademlia §2.3).
      if case .join = query.goal { nextUpkeep = step.now }
    } else {
      queries[id] = query
    }
  }

  private mutating func start(_ query: inout Query, _ step: inout Step) {
    let first = query.nextToStart
    while query.active.count < settings.lookupWindow, query.nextToStart < query.base {
      let index = query.nextToStart
      query.nextToStart += 1
      let target = query.searches[index].lookup.target
      var seeds = table.closest(to: target, count: query.width)
      if seeds.count < settings.parallelism {
        seeds = table.closest(
          to: target, count: query.width, includesSilent: true, isDiverse: false)
      }
      // Where only seeders are asked there is nobody to begin with.
      if case .get = query.goal, settings.lookup == .seedersOnly { seeds = [] }
      for contact in seeds {
        query.searches[index].lookup.add(contact, roundTrip: table.roundTrip(to: contact))
      }
      query.active.append(index)
      // Who stores can't tell whether liars took it, so it goes by several paths at once.
      if query.isPut, query.base <= settings.bucketSize { spread(index, of: &query) }
      takeOwnRecords(of: index, in: &query, &step)
    }
    guard query.nextToStart > first else { return }
    askSeeders(Array(first..<query.nextToStart), of: &query, &step)
  }

  /// The distance (by the first 64 bits) within which as many nodes as a bucket holds are expected.
  func radius(times factor: Double = 1) -> UInt64 {
    let size = sizeEstimate
    let part = Double(settings.bucketSize) * factor / max(1, size)
    return part >= 0.5 ? .max / 2 : UInt64(part * 0x1p64)
  }

  private mutating func ask(_ query: inout Query, _ step: inout Step) {
    let usual = pace(of: query)
    for index in query.active {
      let pace = query.searches[index].isSpread ? usual.hurried(settings.bucketSize) : usual
      while query.outstanding < settings.callsPerQuery {
        let lookup = query.searches[index].lookup
        guard let contact = lookup.nextToAsk(pace) else { break }
        guard calls.count < settings.callLimit else {
          schedule(.resume(query.id), at: step.now + settings.softTimeout.lowerBound)
          return
        }
        guard budget.admits(contact.address, now: step.now) else {
          schedule(.resume(query.id), at: budget.nextToken(after: step.now))
          return
        }
        let shared = query.sharing(contact, with: index, likely: query.isPut ? 0 : pace.likely)
        let round = shared.map { query.searches[$0].lookup.round(of: contact) }.min() ?? 1
        search(
          contact, shared, delivered: [Int](repeating: 0, count: shared.count), round: round,
          &query, &step)
      }
    }
  }

  /// How a query's searches ask: many keys help each other on, one alone is in a hurry, and all near a
  /// put's key will be asked anyway, so they are asked at once.
  private func pace(of query: Query) -> Lookup.Pace {
    let alone = settings.parallelism
    switch query.goal {
    case .put:
      return Lookup.Pace(
        likely: radius(times: 1.5), parallelism: settings.bucketSize, scouts: alone)
    case .get where query.base > settings.bucketSize:
      return Lookup.Pace(
        likely: radius(times: 1.2), parallelism: settings.parallelismOfMany,
        scouts: settings.scoutsOfMany)
    case .get where Double(table.count) > sizeEstimate / 8:
      // Of a small network so much is known that two rounds do: what one more request in each saves in
      // time is worth it.
      return Lookup.Pace(
        likely: radius(times: 1.25), parallelism: alone, scouts: alone, detour: 4)
    case .get:
      let few = settings.parallelismOfGet
      return Lookup.Pace(
        likely: radius(times: 0.8), parallelism: few, scouts: few, detour: 3)
    case .find, .join, .punch:
      return Lookup.Pace(likely: radius(times: 0.8), parallelism: alone, scouts: alone)
    }
  }

  /// Asks one contact about the keys of some searches.
  mutating func search(
    _ contact: Contact, _ indices: [Int], delivered: [Int], round: UInt8, _ query: inout Query,
    _ step: inout Step
  ) {
    let keys = indices.map { query.searches[$0].lookup.target }
    let body: Message.Body
    switch query.goal {
    case .get where indices.first.map({ query.searches[$0].parent != nil }) ?? false:
      body = .find(keys)
    case .get(let kind, let issuers, _):
      let cursor = UInt64(delivered.reduce(0, +))
      body = .get(GetRequest(keys: keys, kind: kind, issuers: issuers, cursor: cursor))
    case .put, .find, .join, .punch:
      body = .find(keys)
    }
    query.mark(indices, contact, .asked)
    query.outstanding += 1
    call(
      contact, body, .search(query.id, searches: indices, delivered: delivered), round: round, &step
    )
  }

  /// Takes a reply to where it was asked for.
  mutating func route(_ message: Message, of call: Call, _ step: inout Step) {
    let body = message.body
    switch call.purpose {
    case .search(let id, let searches, let delivered):
      guard var query = queries.removeValue(forKey: id) else { return }
      if !call.isSlow { query.outstanding -= 1 }
      query.noteReply(of: call.contact, for: searches)
      // A client is nobody to ask or to store at.
      query.mark(searches, call.contact, message.isClient ? .failed : .answered)
      switch (body, query.goal) {
      case (.found(let contacts, _), .find), (.found(let contacts, _), .put),
        (.found(let contacts, _), .join), (.found(let contacts, _), .punch):
        let told = usable(contacts, from: call.contact)
        query.offer(told, by: searches, round: call.round &+ 1)
        query.insist(told, by: searches, each: Self.told)
        if !message.isClient { placeEarly(searches, call.contact, &query, &step) }
      case (.found(let contacts, _), .get)
      where searches.first.map { query.searches[$0].parent != nil } ?? false:
        query.offer(usable(contacts, from: call.contact), by: searches, round: call.round &+ 1)
      case (.got(let reply), .get):
        take(reply, of: call, searches, delivered, &query, &step)
      default:
        query.mark(searches, call.contact, .failed)
      }
      queries[id] = query
      advance(id, &step)
    case .store(let id, let places):
      takeStored(body, id, places, of: call, &step)
    case .compare(let keys):
      if case .lacking(let places) = body { give(places, of: call, under: keys, &step) }
    case .revival:
      departed.remove(call.contact)
      if nextNeighbourhood > step.now + settings.neighbourhoodInterval / 8 {
        lookIntoNeighbourhood(through: call.contact, &step)
      }
    case .fill(let bucket):
      if case .found(let contacts, _) = body {
        fill(bucket, from: usable(contacts, from: call.contact), &step)
      }
    case .rendezvous(let number):
      if case .punching(let address) = body {
        takeRendezvous(number, address, &step)
      } else {
        takeRendezvous(number, nil, &step)
      }
    case .punch(let number):
      endPunch(number, with: call.contact, &step)
    case .reach:
      takeReaching(body, of: call, &step)
    case .farewell:
      repeatFarewell(call, &step)
    case .check, .liveness, .repair, .dial, .relay:
      break
    }
  }

  /// Ends a call that was never answered.
  mutating func giveUp(_ call: Call, _ step: inout Step) {
    switch call.purpose {
    case .search(let id, let searches, _):
      queries[id]?.mark(searches, call.contact, .failed)
      if !call.isSlow { queries[id]?.outstanding -= 1 }
      advance(id, &step)
    case .store(let id, _):
      storeEnded(id, &step)
    case .fill(let bucket):
      table.fed(bucket, by: 0, now: step.now)
    case .rendezvous(let number):
      takeRendezvous(number, nil, &step)
    case .check, .liveness, .revival, .compare, .repair, .farewell, .reach, .dial, .relay, .punch:
      break
    }
  }

  private func unique(_ keys: [Bytes32]) -> [Bytes32] {
    var sorted: [Bytes32] = []
    for key in keys.sorted() where sorted.last != key { sorted.append(key) }
    return sorted
  }
}
