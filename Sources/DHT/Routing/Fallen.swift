import Cryptography
import Wire

/// Nodes found dead in the last minutes, so that hearsay about them costs nothing.
///
/// They are forgotten after ten to twenty minutes, or sooner where many die. Digests are keyed with the
/// process's seed: nobody can fall, or leave, in such a way that another is taken for fallen.
struct Fallen: Sendable {
  private var digests = Generations<Int>(span: .seconds(600), limit: 512)

  /// Notes that a node did not answer twice.
  mutating func add(_ contact: Contact, now: Instant) {
    digests.pass(to: now)
    if digests.isFull { digests.turn(now) }
    digests.insert(digest(contact))
  }

  /// Forgets it: somebody has heard from it.
  mutating func remove(_ contact: Contact) {
    if !digests.isEmpty { digests.remove(digest(contact)) }
  }

  /// Whether a node was found dead lately.
  func contains(_ contact: Contact) -> Bool {
    !digests.isEmpty && digests.contains(digest(contact))
  }

  private func digest(_ contact: Contact) -> Int {
    let words = contact.id.bytes.words
    var hasher = Hasher()
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
    hasher.combine(contact.address.port)
    return hasher.finalize()
  }
}
