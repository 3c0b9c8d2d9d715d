import Cryptography
import Wire

/// Answers to the requests of others.
extension Kademlia {
  mutating func serve(_ message: Message, from origin: Origin, _ step: inout Step) {
    counters.requestsServed += 1
    let body = answer(message.body, to: origin, &step)
    guard let body else { return }
    let reply = Message(
      transaction: message.transaction, isClient: isClient(for: origin.contact), body: body)
    if provesReach { reach.wrote(to: origin.contact.address, now: step.now) }
    step.actions.append(.send(reply, to: origin.contact))
  }

  private mutating func answer(
    _ body: Message.Body, to origin: Origin, _ step: inout Step
  ) -> Message.Body? {
    let room = origin.replyBudget - MessageSize.envelope - MessageSize.observed
    switch body {
    case .ping:
      return .pong(observed: origin.contact.address)
    case .find(let keys):
      return .found(
        neighbours(of: keys, except: origin.contact, room: room), observed: origin.contact.address)
    case .get(let request):
      return .got(records(for: request, origin: origin, wall: step.wall))
    case .store(let records):
      return .stored(records.map { admit($0, from: origin, &step) })
    case .reach(let target, let isLater):
      return answerReach(target, isLater: isLater, from: origin, &step)
    case .punch(let wish):
      return answerPunch(wish, from: origin, &step)
    case .have(let digests):
      guard !isClient(for: origin.contact) else { return .lacking([]) }
      return .lacking(digests.indices.filter { !store.holds(digest: digests[$0]) })
    case .pong, .found, .got, .stored, .lacking, .reaching, .punching, .refused:
      return nil
    }
  }

  /// The nearest contacts to each key in turn, until the reply is full.
  private func neighbours(of keys: [Bytes32], except asker: Contact, room: Int) -> [Contact] {
    guard !isClient(for: asker), let first = keys.first else { return [] }
    if keys.count == 1 {
      return fitting(table.closest(to: first, count: 24), except: asker, room: room)
    }
    let perKey = keys.prefix(Limits.keysPerRequest).map {
      table.closest(to: $0, count: settings.bucketSize)
    }
    var merged: [Contact] = []
    var known: Set<PublicKey> = []
    for rank in 0..<settings.bucketSize {
      for list in perKey where rank < list.count && merged.count < 24 {
        if known.insert(list[rank].key).inserted { merged.append(list[rank]) }
      }
    }
    return fitting(merged, except: asker, room: room)
  }

  private func fitting(_ contacts: [Contact], except asker: Contact, room: Int) -> [Contact] {
    var left = room
    var chosen: [Contact] = []
    for contact in contacts where contact.key != asker.key {
      let size = MessageSize.contact(contact)
      guard size <= left else { break }
      left -= size
      chosen.append(contact)
    }
    return chosen
  }

  private func records(for request: GetRequest, origin: Origin, wall: Timestamp) -> GetReply {
    var room = origin.replyBudget - MessageSize.envelope - MessageSize.cursor
    var lists: [[Record]] = []
    var empty: [Bytes32] = []
    for key in request.keys.prefix(Limits.keysPerRequest) {
      let list = store.records(
        under: key, kind: request.kind, issuers: request.issuers, now: wall)
      if list.isEmpty { empty.append(key) } else { lists.append(list) }
    }
    var chosen: [[UInt8]] = []
    var place: UInt64 = 0
    var isFull = false
    var rank = 0
    let longest = lists.reduce(0) { max($0, $1.count) }
    while rank < longest, !isFull {
      for list in lists where rank < list.count {
        place += 1
        guard place > request.cursor else { continue }
        let size = MessageSize.record(list[rank].bytes)
        guard size <= room, chosen.count < Message.recordsPerMessage else {
          isFull = true
          break
        }
        room -= size
        chosen.append(list[rank].bytes)
      }
      rank += 1
    }
    let next = isFull ? request.cursor + UInt64(chosen.count) : 0
    // Whoever finds a record needs no further nodes for its key, unless it is not content: then it
    // gets them with the last page.
    let wanted = empty.isEmpty && !isFull ? request.keys : empty
    let contacts = neighbours(of: wanted, except: origin.contact, room: room)
    return GetReply(records: chosen, next: next, contacts: contacts)
  }

  private mutating func admit(
    _ encoded: EncodedRecord, from origin: Origin, _ step: inout Step
  ) -> StoreResult {
    let result = admission(of: encoded, from: origin, &step)
    counters.count(result)
    return result
  }

  private mutating func admission(
    of encoded: EncodedRecord, from origin: Origin, _ step: inout Step
  ) -> StoreResult {
    guard !isClient(for: origin.contact) else { return .notStoring }
    guard origin.isProven else { return .needsCookie }
    let record: Record
    do {
      record = try validator.validate(encoded.bytes, kind: encoded.kind, now: step.wall)
    } catch {
      return StoreResult(error)
    }
    let result = keep(record, from: origin.contact.address, &step)
    if result == .stored, record.kind == .statement, trustedIssuers.contains(record.publisher) {
      step.actions.append(.kept(record))
    }
    return result
  }

  /// Keeps a validated record, if its key lies near enough.
  mutating func keep(_ record: Record, from address: Address, _ step: inout Step) -> StoreResult {
    let size = estimatedSize(now: step.now)
    let width = Double(settings.bucketSize)
    let isTrusted = record.kind == .statement && trustedIssuers.contains(record.publisher)
    // Twice the radius within which the k nearest are expected, so that an estimate that is off
    // leaves no gap.
    if !(isTrusted && settings.keepsTrustedFromAfar), size > 2 * width,
      NetworkSize.fraction(record.key ^ id.bytes) > 2 * width / size
    {
      return .tooFar
    }
    return store.insert(
      record, from: address, isTrusted: trustedIssuers.contains(record.publisher), now: step.now,
      wall: step.wall)
  }

  /// The number of nodes, judged anew every ten seconds.
  mutating func estimatedSize(now: Instant) -> Double {
    guard now >= sizeEstimateExpires else { return sizeEstimate }
    let count = settings.bucketSize * 3 / 2
    let nearest = table.closest(to: id.bytes, count: count, isDiverse: false)
    sizeEstimate =
      nearest.count < count
      ? Double(nearest.count)
      : NetworkSize.estimate(distances: nearest.map { $0.id.bytes ^ id.bytes })
    sizeEstimateExpires = now + .seconds(10)
    return sizeEstimate
  }
}
