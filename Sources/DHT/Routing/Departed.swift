/// The contacts that were given up last, to be tried again now and then: half of a network that was cut
/// off and comes back is among them.
struct Departed: Sendable {
  private var contacts: [Contact] = []
  private var place = 0
  private static let limit = 24

  /// Remembers a contact, in place of the one remembered longest.
  mutating func add(_ contact: Contact) {
    guard !contacts.contains(contact) else { return }
    if contacts.count == Self.limit { contacts.removeFirst() }
    contacts.append(contact)
  }

  /// Forgets a contact that is back.
  mutating func remove(_ contact: Contact) {
    contacts.removeAll { $0.key == contact.key }
  }

  /// The next one to try, each in its turn; nil without any.
  mutating func next() -> Contact? {
    guard !contacts.isEmpty else { return nil }
    place = (place + 1) % contacts.count
    return contacts[place]
  }
}
