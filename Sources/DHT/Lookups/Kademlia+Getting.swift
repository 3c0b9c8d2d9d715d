import Cryptography
import Wire

/// Gets: what we keep ourselves, what a reply brings, and when it is enough.
extension Kademlia {
  /// What we keep ourselves answers without a single datagram.
  mutating func takeOwnRecords(
    of index: Int, in query: inout Query, _ step: inout Step
  ) {
    guard case .get(let kind, let issuers, _) = query.goal else { return }
    let target = query.searches[index].lookup.target
    let own = store.records(under: target, kind: kind, issuers: issuers, now: step.wall)
    for record in own { query.found(record, at: index) }
    if !own.isEmpty { judge(index, of: &query) }
  }

  /// Takes the records of a reply in, each checked, and whom else to ask.
  mutating func take(
    _ reply: GetReply, of call: Call, _ indices: [Int], _ delivered: [Int],
    _ query: inout Query, _ step: inout Step
  ) {
    let contact = call.contact
    guard case .get(let kind, let issuers, _) = query.goal else { return }
    var counts = delivered
    var touched: Set<Int> = []
    for bytes in reply.records {
      let record: Record
      do {
        record = try validator.validate(bytes, kind: kind, now: step.wall)
      } catch {
        counters.recordsRejected += 1
        if error == .futureDated { counters.recordsFromTheFuture += 1 }
        continue
      }
      guard let index = query.index(of: record.key), let place = indices.firstIndex(of: index),
        issuers.isEmpty || issuers.contains(record.publisher.prefix)
      else {
        counters.recordsRejected += 1
        continue
      }
      counts[place] += 1
      guard !query.searches[index].isOver,
        query.searches[index].seen.count < Query.recordsPerKey,
        query.searches[index].seen.insert(record.digest).inserted
      else { continue }
      query.found(record, at: index)
      touched.insert(index)
    }
    noteBare(indices, counts, contact, &query)
    for index in touched.sorted() {
      guard judge(index, of: &query) else { continue }
      query.searches[index].rounds = query.searches[index].lookup.round(of: contact)
      cachePath(of: index, in: query, &step)
    }
    if settings.lookup != .seedersOnly {
      let told = usable(reply.contacts, from: contact)
      query.offer(told, by: indices, round: call.round &+ 1)
      query.insist(told, by: indices, each: Self.told)
    }
    readOn(reply, of: call, indices, delivered, counts, &query, &step)
  }

  /// Asks for the next page of a node's records while they are wanted.
  private mutating func readOn(
    _ reply: GetReply, of call: Call, _ indices: [Int], _ delivered: [Int],
    _ counts: [Int], _ query: inout Query, _ step: inout Step
  ) {
    // A node that counts wrongly is not asked on: the cursor must follow from what it delivered.
    let before = delivered.reduce(0, +)
    let after = counts.reduce(0, +)
    guard reply.next != 0, after > before, reply.next == UInt64(after) else { return }
    guard after < Query.recordsPerKey else { return }
    var left: [Int] = []
    var leftCounts: [Int] = []
    for (place, index) in indices.enumerated() where !query.searches[index].isOver {
      left.append(index)
      leftCounts.append(counts[place])
    }
    guard !left.isEmpty, calls.count < settings.callLimit else { return }
    search(
      call.contact, left, delivered: leftCounts, round: call.round &+ 1, &query, &step)
  }

  /// Asks the caller's predicate about what was found under a key.
  @discardableResult
  private func judge(_ index: Int, of query: inout Query) -> Bool {
    guard case .get(_, _, let accept) = query.goal else { return false }
    let search = query.searches[index]
    guard !search.isOver, accept(search.lookup.target, search.records) else { return false }
    query.searches[index].isAccepted = true
    query.end(index)
    return true
  }

  /// Contacts of a reply without ourselves, no more than one datagram can hold, and none in a network
  /// that the teller does not share: a private address means another host there than here.
  func usable(_ contacts: [Contact], from teller: Contact) -> [Contact] {
    let reach = reach(teller)
    return contacts.prefix(24).filter {
      $0.key != key && self.reach($0) >= reach && !fallen.contains($0)
    }
  }

  /// How far an address is known: this machine, this site, everywhere.
  private func reach(_ contact: Contact) -> Int {
    if contact.isGlobal { return 2 }
    return contact.address.ip.isLoopback ? 0 : 1
  }
}
