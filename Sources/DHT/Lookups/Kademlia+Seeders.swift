import Cryptography
import Wire

/// Seeders beside the peers: they are always on, so their answer is often the first; but nothing may
/// depend on them.
extension Kademlia {
  /// Always-on nodes that are remembered, more than one request asks.
  private static let seederLimit = 16

  /// Takes the nodes that are always on, in place of those before.
  public mutating func setSeeders(_ contacts: [Contact]) {
    var chosen: [Contact] = []
    for contact in contacts.prefix(4 * Self.seederLimit)
    where contact.key != key && chosen.count < Self.seederLimit {
      // A host may have an address of each family: the first is as good as the second.
      if !chosen.contains(where: { $0.key == contact.key }) { chosen.append(contact) }
    }
    seeders = chosen
  }

  /// The seeders to ask: not those found dead lately, and the quickest of those whose round trip is
  /// known.
  func seedersToAsk() -> [Contact] {
    var quick: [(contact: Contact, time: Duration)] = []
    var others: [Contact] = []
    for seeder in seeders where !fallen.contains(seeder) {
      if let known = table.roundTrip(to: seeder), !known.isUnknown {
        let place = quick.firstIndex { known.mean < $0.time } ?? quick.count
        quick.insert((seeder, known.mean), at: place)
      } else {
        others.append(seeder)
      }
    }
    return Array((quick.map(\.contact) + others).prefix(settings.seedersAsked))
  }

  /// Asks seeders for the keys of searches that have just begun; the first good answer wins, theirs or
  /// a peer's.
  ///
  /// A few keys are asked of each seeder; many are dealt out among them, since the peers are asked too.
  mutating func askSeeders(_ indices: [Int], of query: inout Query, _ step: inout Step) {
    guard case .get = query.goal, settings.lookup != .peersOnly else { return }
    let wanted = indices.filter { !query.searches[$0].isOver }
    let asked = seedersToAsk()
    guard !wanted.isEmpty, !asked.isEmpty else { return }
    let isDealt =
      settings.lookup == .all && query.base > Limits.keysPerRequest
    var rest = wanted[...]
    var turn = 0
    while !rest.isEmpty {
      let keys = Array(rest.prefix(Limits.keysPerRequest))
      rest = rest.dropFirst(keys.count)
      for seeder in isDealt ? [asked[turn % asked.count]] : asked {
        guard query.outstanding < settings.callsPerQuery, calls.count < settings.callLimit,
          budget.admits(seeder.address, now: step.now)
        else { continue }
        for index in keys { query.searches[index].lookup.addBeside(seeder) }
        search(
          seeder, keys, delivered: [Int](repeating: 0, count: keys.count), round: 1, &query, &step)
      }
      turn += 1
    }
  }

  /// Gives a put's statements to seeders too: they keep those of issuers that they trust, however far
  /// the key, and refuse the others.
  func giveSeeders(_ index: Int, of query: inout Query, _ put: inout Query.Put) {
    guard settings.lookup != .peersOnly else { return }
    let places = put.placesOfLookup[index].filter { put.records[$0].kind == .statement }
    guard !places.isEmpty else { return }
    for seeder in seedersToAsk()
    where query.searches[index].placed.insert(seeder.key).inserted {
      put.enqueue(places, for: seeder)
    }
  }
}
