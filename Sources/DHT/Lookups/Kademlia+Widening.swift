import Cryptography
import Wire

/// How a search ends, and what it does first where somebody seems to be in the way.
///
/// Whoever grinds ids can crowd one point with more nodes than honest ones live there. Three things
/// together help: the caps on networks, a region whose size follows from the size of the network and
/// not from who is in it, and the subtrees beside the key, which the attacker would have to crowd too.
extension Kademlia {
  /// How many times denser than the network a key's surroundings may be before they are suspicious.
  private static let suspiciousCrowding = 4.0
  /// How much sparser than the network they may be: the nodes nearest to a key that answered must be
  /// the nearest that there are with about 90 % certainty.
  private static let suspiciousSparseness = 0.65
  /// The subtrees beside a key's own that are searched then, each on a path of its own.
  private static let siblings = 5

  mutating func end(_ index: Int, of query: inout Query, _ step: inout Step) {
    query.end(index)
    guard let parent = query.searches[index].parent else {
      return placeRecords(of: index, in: &query, &step)
    }
    query.searches[parent].helpers -= 1
    let found = query.searches[index].lookup.closestAnswered(8)
    switch query.goal {
    case .get:
      for contact in found { query.searches[parent].lookup.force(contact) }
    case .put(var put):
      for contact in found where query.searches[parent].placed.insert(contact.key).inserted {
        put.enqueue(put.placesOfLookup[parent], for: contact)
      }
      query.goal = .put(put)
    case .find, .join, .punch: break
    }
  }

  /// Begins searches of the sibling subtrees if an ended search looks as if it was misled; whether it
  /// did.
  mutating func widen(_ index: Int, of query: inout Query, _ step: inout Step) -> Bool {
    let search = query.searches[index]
    guard search.parent == nil, !search.isWidened, query.isPut || query.isPatient,
      query.isPut || settings.lookup != .seedersOnly
    else { return false }
    let size = estimatedSize(now: step.now)
    guard size > Double(8 * settings.bucketSize) else { return false }
    let crowding = search.lookup.crowding(size: size)
    // Too dense: somebody crowds the key. Too sparse: somebody keeps others from us.
    let isSuspicious =
      crowding > Self.suspiciousCrowding || crowding < Self.suspiciousSparseness
      || search.lookup.failedShare > 0.5
    // Few keys are worth a second way in any case: a get ends here only if nothing was found.
    let isWorthIt = !query.isPut && query.base <= settings.bucketSize
    guard isSuspicious || isWorthIt else { return false }
    query.searches[index].isWidened = true
    spread(index, of: &query)
    guard isSuspicious else { return true }
    counters.searchesWidened += 1
    let depth = max(
      1, Int.bitWidth - 1 - Int(size / Double(settings.bucketSize)).leadingZeroBitCount)
    let seeds = table.closest(to: search.lookup.target, count: 16 * Self.siblings)
    for number in 0..<Self.siblings {
      let target = search.lookup.target.flipping(bit: depth - 1 + number)
      var helper = Query.Search(lookup: Lookup(target: target, width: 8))
      helper.parent = index
      for (place, contact) in seeds.enumerated() where place % Self.siblings == number {
        helper.lookup.add(contact)
      }
      query.searches.append(helper)
      query.active.append(query.searches.count - 1)
      query.searches[index].helpers += 1
    }
    return true
  }

  /// Lets a search ask everybody whom we know near its target, and of whom each of those tells the
  /// nearest: liars who tell only each other fill the nearest places, but they can't keep an honest
  /// node's word out.
  ///
  /// As many paths begin as a bucket holds, so all of them are misled only where nearly everybody lies.
  func spread(_ index: Int, of query: inout Query) {
    let seeds = table.closest(to: query.searches[index].lookup.target, count: settings.bucketSize)
    for contact in seeds { query.searches[index].lookup.force(contact) }
    query.searches[index].isSpread = true
    query.searches[index].insistence = Self.told * settings.bucketSize * 2
  }

  /// Of what one teller tells, how many are asked at least.
  static let told = 2

  /// Remembers who is near a key and has nothing under it.
  func noteBare(
    _ indices: [Int], _ counts: [Int], _ contact: Contact, _ query: inout Query
  ) {
    let near = radius(times: 0.5)
    for (place, index) in indices.enumerated() where counts[place] == 0 {
      let distance = contact.id.bytes.words.0 ^ query.searches[index].lookup.target.words.0
      guard distance <= near else { continue }
      if let known = query.searches[index].bare, known.distance <= distance { continue }
      query.searches[index].bare = (contact, distance)
    }
  }

  /// Gives what was found to the nearest node on the path that should have had it.
  mutating func cachePath(of index: Int, in query: Query, _ step: inout Step) {
    let search = query.searches[index]
    guard query.base == 1, let bare = search.bare, let record = search.records.first else { return }
    call(
      bare.contact, .store([EncodedRecord(kind: record.kind, bytes: record.bytes)]), .repair, &step)
  }
}

extension Bytes32 {
  /// The value with one bit, counted from the highest, turned over.
  func flipping(bit: Int) -> Bytes32 {
    let mask = UInt64(1) << UInt64(63 - bit % 64)
    var parts = [words.0, words.1, words.2, words.3]
    parts[min(3, bit / 64)] ^= mask
    return Bytes32(words: (parts[0], parts[1], parts[2], parts[3]))
  }
}
