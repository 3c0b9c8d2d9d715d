import Cryptography
import Wire

/// The contacts at one distance from us, oldest first.
///
/// A full bucket keeps its live old contacts: long-lived nodes are likelier to stay (Kademlia §2.2),
/// and an attacker can't flush the table by showing up with many new ids. Whoever finds no room waits
/// in a small cache of replacements.
struct KBucket: Sendable {
  /// A contact with what we know of its reliability, in few bytes, since a node keeps hundreds of these.
  struct Entry: Sendable {
    var contact: Contact
    /// Requests in a row that went unanswered.
    private(set) var failures: UInt8 = 0
    /// From the last reply to the last failure, in units of four seconds, so at most three days.
    private var missed: UInt16 = 0
    /// In seconds.
    private var heard: UInt32
    var roundTrip = RoundTrip()

    init(contact: Contact, lastReply: Instant) {
      self.contact = contact
      heard = Self.seconds(lastReply)
    }

    /// When it last answered, or showed by a proven request that it is there.
    var lastReply: Instant { .zero + .seconds(Int64(heard)) }
    /// When the last unanswered request was given up.
    var lastFailure: Instant { .zero + .seconds(Int64(heard) + 4 * Int64(missed)) }
    /// Whether it may be handed to others: it missed at most one request in a row.
    var isLive: Bool { failures < 2 }

    mutating func answered(_ now: Instant) {
      heard = Self.seconds(now)
      failures = 0
    }

    mutating func failed(_ now: Instant) {
      failures = min(failures, 254) + 1
      missed = UInt16(clamping: (Int64(Self.seconds(now)) - Int64(heard)) / 4)
    }

    private static func seconds(_ instant: Instant) -> UInt32 {
      UInt32(clamping: instant.nanoseconds / 1_000_000_000)
    }
  }

  /// What became of a contact that answered.
  enum Insertion: Equatable {
    /// It has a place, old or new.
    case kept
    /// It waits for one; the first is the contact to check meanwhile, if any is doubtful.
    case waiting(Contact?)
    /// Its network has its share of this bucket.
    case refused
  }

  let capacity: Int
  private let waitingLimit: Int
  private(set) var entries: [Entry] = []
  private(set) var waiting: [Contact] = []
  /// Whether an entry may have failed lately; false only if none has.
  private var mayHaveFailures = false

  init(capacity: Int, replacements: Int) {
    self.capacity = capacity
    waitingLimit = replacements
  }

  /// Notes that `contact` answered.
  mutating func answered(_ contact: Contact, roundTrip: Duration?, now: Instant) -> Insertion {
    if let index = entries.firstIndex(where: { $0.contact.key == contact.key }) {
      entries[index].contact = contact
      entries[index].answered(now)
      if let roundTrip { entries[index].roundTrip.measure(roundTrip) }
      return .kept
    }
    // One address, one node: another key there replaces it only when the old one is silent.
    if let index = entries.firstIndex(where: { $0.contact.address == contact.address }) {
      guard !entries[index].isLive || entries[index].failures > 0 else { return .refused }
      entries.remove(at: index)
    }
    guard isDiverse(with: contact) else { return .refused }
    if entries.count == capacity, let dead = entries.firstIndex(where: { !$0.isLive }) {
      entries.remove(at: dead)
    }
    if entries.count < capacity {
      waiting.removeAll { $0.key == contact.key }
      var entry = Entry(contact: contact, lastReply: now)
      if let roundTrip { entry.roundTrip.measure(roundTrip) }
      entries.append(entry)
      return .kept
    }
    waiting.removeAll { $0.key == contact.key || $0.address == contact.address }
    if waiting.count >= max(1, waitingLimit) { waiting.removeFirst() }
    waiting.append(contact)
    return .waiting(entries.min { $0.lastReply < $1.lastReply }?.contact)
  }

  /// Notes that a contact let a request go unanswered; a waiting one takes its place at the second.
  /// Whether it has lost its place.
  @discardableResult
  mutating func failed(_ key: PublicKey, now: Instant) -> Bool {
    waiting.removeAll { $0.key == key }
    guard let index = entries.firstIndex(where: { $0.contact.key == key }) else { return false }
    entries[index].failed(now)
    mayHaveFailures = true
    guard !entries[index].isLive else { return false }
    let gone = entries.remove(at: index)
    if let next = waiting.lastIndex(where: { isDiverse(with: $0) }) {
      entries.append(Entry(contact: waiting.remove(at: next), lastReply: gone.lastReply))
    } else if gone.failures < 8 {
      // Nobody better is known: after a link loss the silent ones are the way back.
      entries.insert(gone, at: index)
      return false
    }
    return true
  }

  /// Forgets a node; one that waits takes its place. Whether it had one.
  @discardableResult
  mutating func remove(_ key: PublicKey) -> Bool {
    waiting.removeAll { $0.key == key }
    guard let index = entries.firstIndex(where: { $0.contact.key == key }) else { return false }
    let gone = entries.remove(at: index)
    if let next = waiting.lastIndex(where: { isDiverse(with: $0) }) {
      entries.append(Entry(contact: waiting.remove(at: next), lastReply: gone.lastReply))
    }
    return true
  }

  /// Whether a contact that is not here would find a place or be worth waiting.
  func wants(_ contact: Contact) -> Bool {
    if let known = entries.first(where: { $0.contact.key == contact.key }) {
      return known.contact.address != contact.address || known.failures > 0
    }
    return need > 0 && !waiting.contains { $0.key == contact.key } && isDiverse(with: contact)
  }

  /// Notes that a contact showed by a request with our cookie that it is there; whether it is known.
  mutating func appeared(_ contact: Contact, now: Instant) -> Bool {
    guard let index = entries.firstIndex(where: { $0.contact.key == contact.key }),
      entries[index].contact.address == contact.address
    else { return false }
    entries[index].answered(now)
    return true
  }

  /// The entries that failed lately.
  mutating func failing() -> [Entry] {
    guard mayHaveFailures else { return [] }
    let found = entries.filter { $0.failures > 0 }
    mayHaveFailures = !found.isEmpty
    return found
  }

  /// Whether so many are wanted that it is worth asking for them: a wide bucket bears a few gaps.
  var isHungry: Bool { need > capacity / 8 }

  /// How many more contacts are wanted than are here and answer; a few may wait, no more.
  var need: Int {
    capacity - entries.count { $0.isLive } + max(0, waitingLimit / 4 - waiting.count)
  }

  private func isDiverse(with contact: Contact) -> Bool {
    guard let networks = Diversity.Networks(contact) else { return true }
    var wide = 0
    for entry in entries {
      guard let other = Diversity.Networks(entry.contact), other.broad == networks.broad,
        entry.contact.key != contact.key
      else { continue }
      if other.narrow == networks.narrow { return false }
      wide += 1
    }
    return wide < 2
  }
}
