import Cryptography
import DHT
import Wire

/// Attackers in league: asked for nodes they name only each other, asked for records they have none,
/// asked to store they say yes and drop it.
struct LiarRing: Sendable {
  private var members: [Contact] = []

  /// A ring of these.
  init(_ members: [Contact]) {
    self.members = members.sorted { $0.id < $1.id }
  }

  /// The answer to a request; nil for replies.
  func answer(to body: Message.Body, from asker: Contact) -> Message.Body? {
    switch body {
    case .ping: return .pong(observed: asker.address)
    case .find(let keys): return .found(nearest(to: keys, except: asker), observed: asker.address)
    case .get(let request):
      return .got(
        GetReply(records: [], next: 0, contacts: nearest(to: request.keys, except: asker)))
    case .store(let records): return .stored(records.map { _ in .stored })
    case .have: return .lacking([])
    default: return nil
    }
  }

  /// The members nearest to the keys, as many as a reply holds.
  private func nearest(to keys: [Bytes32], except asker: Contact) -> [Contact] {
    guard !members.isEmpty, !keys.isEmpty else { return [] }
    let share = max(1, 24 / keys.count)
    var chosen: [Contact] = []
    for key in keys where chosen.count < 24 {
      let place = lowerBound(key)
      let window = members[max(0, place - 48)..<min(members.count, place + 48)]
      let sorted = window.sorted { $0.id.bytes ^ key < $1.id.bytes ^ key }
      for contact in sorted.prefix(share) where contact.key != asker.key {
        if chosen.count < 24, !chosen.contains(contact) { chosen.append(contact) }
      }
    }
    return chosen
  }

  private func lowerBound(_ key: Bytes32) -> Int {
    members.partitioningIndex(afterThose: { $0.id.bytes < key })
  }
}
