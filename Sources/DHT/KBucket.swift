import Cryptography
import Wire

/// The contacts at one distance from us, oldest first.
///
/// A full bucket keeps its live old contacts: long-lived nodes are likelier to stay (Kademlia §2.2),
/// and an attacker can't flush the table by showing up with many new ids. Whoever finds no room waits
/// in a small cache of replacements.
struct KBucket: Sendable {
  /// A contact with what we know of its reliability.
  struct Entry: Sendable {
    var contact: Contact
    var lastReply: Instant
    /// Requests in a row that went unanswered.
    var failures = 0
    /// When the last of them was given up.
    var lastFailure = Instant.zero
    var roundTrip = RoundTrip()

    /// Whether it may be handed to others: it missed at most one request in a row.
    var isLive: Bool { failures < 2 }
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

  init(capacity: Int, replacements: Int) {
    self.capacity = capacity
    waitingLimit = replacements
  }

  /// Notes that `contact` answered.
  mutating func answered(_ contact: Contact, roundTrip: Duration?, now: Instant) -> Insertion {
    if let index = entries.firstIndex(where: { $0.contact.key == contact.key }) {
      entries[index].contact = contact
      entries[index].lastReply = now
      entries[index].failures = 0
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
    waiting.append(contact)
    if waiting.count > waitingLimit { waiting.removeFirst() }
    return .waiting(entries.min { $0.lastReply < $1.lastReply }?.contact)
  }

  /// Notes that a contact let a request go unanswered; a waiting one takes its place at the second.
  mutating func failed(_ key: PublicKey, now: Instant) {
    waiting.removeAll { $0.key == key }
    guard let index = entries.firstIndex(where: { $0.contact.key == key }) else { return }
    entries[index].failures += 1
    entries[index].lastFailure = now
    guard !entries[index].isLive else { return }
    let gone = entries.remove(at: index)
    if let next = waiting.lastIndex(where: { isDiverse(with: $0) }) {
      entries.append(Entry(contact: waiting.remove(at: next), lastReply: gone.lastReply))
    } else if gone.failures < 8 {
      // Nobody better is known: after a link loss the silent ones are the way back.
      entries.insert(gone, at: index)
    }
  }

  /// Whether a contact that is not here would find a place or be worth waiting.
  func wants(_ contact: Contact) -> Bool {
    if let known = entries.first(where: { $0.contact.key == contact.key }) {
      return known.contact.address != contact.address || known.failures > 0
    }
    let hasRoom = entries.count < capacity || entries.contains { !$0.isLive }
    return (hasRoom || waiting.count < waitingLimit) && isDiverse(with: contact)
  }

  private func isDiverse(with contact: Contact) -> Bool {
    guard contact.address.ip.isGlobal else { return true }
    var wide = 0
    for entry in entries where entry.contact.key != contact.key {
      if Diversity.areNear(entry.contact.address, contact.address) { return false }
      if Diversity.areWide(entry.contact.address, contact.address) { wide += 1 }
    }
    return wide < 2
  }
}
