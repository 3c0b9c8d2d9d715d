import Cryptography
import DequeModule
import Wire

/// One request of many keys on its way: a look-up for each, sharing the calls where they meet.
struct Query: Sendable {
  enum Goal: Sendable {
    case get(kind: RecordKind, issuers: [UInt64], accept: Acceptance)
    case put(Put)
    case find
    /// A find of our own id, after which the farther buckets are filled.
    case join
    /// A find of a client's place, after which the nodes there are asked to tell it of us.
    case punch(PublicKey)
  }

  /// The records of a put and what became of them.
  struct Put: Sendable {
    let records: [Record]
    /// For each look-up the places of its records.
    let placesOfLookup: [[Int]]
    var storedOn: [Int]
    var outstanding = 0
    /// Nodes with records to come, in the order in which they were found.
    private(set) var waiting: Deque<Contact> = []
    private var placesOfWaiting: [PublicKey: [Int]] = [:]

    init(records: [Record], placesOfLookup: [[Int]]) {
      self.records = records
      self.placesOfLookup = placesOfLookup
      storedOn = [Int](repeating: 0, count: records.count)
    }

    /// Notes that a node is to have these records; those of several keys go together.
    mutating func enqueue(_ places: [Int], for contact: Contact) {
      if placesOfWaiting[contact.key] == nil { waiting.append(contact) }
      placesOfWaiting[contact.key, default: []] += places
    }

    /// The next node and as many of its records as `fitting` lets one call carry.
    mutating func dequeue(_ fitting: ([Int]) -> Int) -> (Contact, [Int])? {
      guard let contact = waiting.popFirst(),
        let places = placesOfWaiting.removeValue(forKey: contact.key)
      else { return nil }
      let count = max(1, fitting(places))
      if count < places.count {
        placesOfWaiting[contact.key] = Array(places[count...])
        waiting.append(contact)
      }
      return (contact, Array(places.prefix(count)))
    }
  }

  /// One key's search.
  struct Search: Sendable {
    var lookup: Lookup
    var isOver = false
    var isAccepted = false
    /// Dependent replies that the end took; of a search that runs, the most so far.
    var rounds: UInt8 = 0
    /// The newest record of every slot.
    var records: [Record] = []
    /// Digests of everything seen, good or bad, so that nothing is checked twice.
    var seen: Set<UInt64> = []
    /// For a search of a sibling subtree, the search that it helps.
    var parent: Int?
    /// Searches of sibling subtrees that run for this one.
    var helpers = 0
    /// Whether it was helped already.
    var isWidened = false
    /// Whether it goes by several paths, each of which has somebody to ask at once.
    var isSpread = false
    /// How many more contacts are asked for the teller's sake, however many nearer ones there are.
    var insistence = 0
    /// Nodes that this search's records were sent to.
    var placed: Set<PublicKey> = []
    /// A node near the target that has nothing under the key, and how near it is.
    var bare: (contact: Contact, distance: UInt64)?
  }

  /// Records under one key that are looked at before the search takes no more.
  static let recordsPerKey = 512

  let id: RequestID
  var goal: Goal
  /// Sorted by target.
  var searches: [Search]
  /// Those that run, in order of their targets.
  var active: [Int] = []
  /// The first that has not begun.
  var nextToStart = 0
  /// Calls that are not slow yet.
  var outstanding = 0
  let width: Int
  /// The searches for the request's own targets; those that help them follow.
  let base: Int

  /// Whether every search has ended and every store was answered.
  var isFinished: Bool {
    guard active.isEmpty, nextToStart == base else { return false }
    if case .put(let put) = goal { return put.outstanding == 0 && put.waiting.isEmpty }
    return true
  }

  /// Whether records are to be stored.
  var isPut: Bool {
    if case .put = goal { return true }
    return false
  }

  /// Whether late answers are waited for: a get may still find its record there.
  var isPatient: Bool {
    if case .get = goal { return true }
    return false
  }

  init(id: RequestID, goal: Goal, targets: [Bytes32], width: Int, radius: UInt64 = 0) {
    self.id = id
    self.goal = goal
    self.width = width
    base = targets.count
    searches = targets.map {
      Search(lookup: Lookup(target: $0, width: width, radius: radius))
    }
  }

  /// The search for this key.
  func index(of target: Bytes32) -> Int? {
    let low = searches[..<base].partitioningIndex(afterThose: { $0.lookup.target < target })
    return low < base && searches[low].lookup.target == target ? low : nil
  }

  /// The searches that want to ask this contact, `index` first, at most as many as one call carries.
  ///
  /// Of keys within `likely` of it, whose records it should have, only one: a reply often holds no more
  /// than one record, and the next page could be asked for only after it.
  func sharing(_ contact: Contact, with index: Int, likely: UInt64) -> [Int] {
    var shared = [index]
    guard searches[index].parent == nil else { return shared }
    for other in active where other != index && searches[other].parent == nil {
      if shared.count == Limits.keysPerRequest { break }
      let lookup = searches[other].lookup
      let distance = contact.id.bytes.words.0 ^ lookup.target.words.0
      if distance > likely, lookup.wants(contact) { shared.append(other) }
    }
    return shared
  }

  /// Tells the searches how far we are with a contact.
  mutating func mark(_ indices: [Int], _ contact: Contact, _ state: Lookup.State) {
    for index in indices { searches[index].lookup.mark(contact, state) }
  }

  /// Offers contacts to every search that runs: neighbours in a sweep share what they learn.
  ///
  /// A search that helps another keeps to the path that it began: what liars tell on one path stays
  /// there.
  mutating func offer(_ contacts: [Contact], by indices: [Int], round: UInt8 = 1) {
    if let first = indices.first, searches[first].parent != nil {
      for contact in contacts { searches[first].lookup.add(contact, round: round) }
      return
    }
    for index in active where searches[index].parent == nil {
      for contact in contacts { searches[index].lookup.add(contact, round: round) }
    }
  }

  /// Sees to it that searches with several paths ask the nearest of what one teller tells.
  mutating func insist(_ contacts: [Contact], by indices: [Int], each count: Int) {
    for index in indices where searches[index].insistence > 0 && !searches[index].isOver {
      let target = searches[index].lookup.target
      let near = contacts.sorted { $0.id.bytes ^ target < $1.id.bytes ^ target }
      for contact in near.prefix(min(count, searches[index].insistence))
      where searches[index].lookup.force(contact) {
        searches[index].insistence -= 1
      }
    }
  }

  /// Notes how long the chain is whose last reply has come, for searches that run.
  mutating func noteReply(of contact: Contact, for indices: [Int]) {
    for index in indices where !searches[index].isOver {
      let round = searches[index].lookup.round(of: contact)
      searches[index].rounds = max(searches[index].rounds, round)
    }
  }

  /// Ends a search.
  mutating func end(_ index: Int) {
    searches[index].isOver = true
    // Whoever helped it has nothing left to do.
    active = active.filter { $0 != index && searches[$0].parent != index }
  }

  /// Takes a validated record in; the caller has seen that it is of the get's kind and issuers.
  mutating func found(_ record: Record, at index: Int) {
    if let old = searches[index].records.firstIndex(where: { $0.sharesSlot(with: record) }) {
      guard record.supersedes(searches[index].records[old]) else { return }
      searches[index].records[old] = record
    } else {
      searches[index].records.append(record)
    }
  }

  /// The outcome once it is finished.
  var outcome: Outcome {
    switch goal {
    case .get:
      return .records(
        searches.prefix(base).map {
          Outcome.Found(
            key: $0.lookup.target, records: $0.records, isAccepted: $0.isAccepted,
            rounds: Int($0.rounds))
        })
    case .put(let put):
      return .stored(put.storedOn)
    case .find, .join, .punch:
      return .contacts(searches.first?.lookup.closestAnswered(width) ?? [])
    }
  }
}
