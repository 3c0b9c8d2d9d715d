import Cryptography
import Wire

/// Nodes found dead in the last minutes, so that hearsay about them costs nothing.
///
/// Two generations of digests: the elder is forgotten when the younger is ten minutes old or full.
struct Fallen: Sendable {
  private var young: Set<UInt32> = []
  private var old: Set<UInt32> = []
  private var turned = Instant.zero
  private static let span = Duration.seconds(600)
  private static let limit = 512

  /// Notes that a node did not answer twice.
  mutating func add(_ contact: Contact, now: Instant) {
    if now - turned >= Self.span || young.count >= Self.limit {
      old = now - turned < Self.span * 2 ? young : []
      young = []
      turned = now
    }
    young.insert(digest(contact))
  }

  /// Forgets it: somebody has heard from it.
  mutating func remove(_ contact: Contact) {
    guard !young.isEmpty || !old.isEmpty else { return }
    let digest = digest(contact)
    young.remove(digest)
    old.remove(digest)
  }

  /// Whether a node was found dead lately.
  func contains(_ contact: Contact) -> Bool {
    guard !young.isEmpty || !old.isEmpty else { return false }
    let digest = digest(contact)
    return young.contains(digest) || old.contains(digest)
  }

  private func digest(_ contact: Contact) -> UInt32 {
    UInt32(truncatingIfNeeded: contact.id.bytes.words.3) ^ UInt32(contact.address.port)
  }
}
