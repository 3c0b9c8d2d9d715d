import Cryptography
import Wire

/// The contacts of a node, in buckets by the number of leading bits that they share with its id
/// (Kademlia §2.2).
struct RoutingTable: Sendable {
  let own: NodeID
  private let settings: KademliaSettings
  private var buckets: [KBucket] = []
  /// When each bucket is to be filled up next.
  private var feedings: [Feeding] = []
  private static let shortestPause = Duration.seconds(2)
  /// Losses of this span are made good together.
  private static let pauseAfterLoss = Duration.seconds(300)

  private struct Feeding: Sendable {
    var due: Instant
    var pause: Duration
  }

  init(own: NodeID, settings: KademliaSettings) {
    self.own = own
    self.settings = settings
  }

  /// The number of contacts.
  var count: Int { buckets.reduce(0) { $0 + $1.entries.count } }
  /// The number of contacts that missed at most one request.
  var liveCount: Int { buckets.reduce(0) { $0 + $1.entries.count { $0.isLive } } }
  /// The number of contacts whose last request was answered.
  var answeringCount: Int { buckets.reduce(0) { $0 + $1.entries.count { $0.failures == 0 } } }
  /// The number of buckets down to the deepest that was ever filled.
  var depth: Int { buckets.count }

  /// Notes a verified reply.
  mutating func answered(
    _ contact: Contact, roundTrip: Duration?, now: Instant
  ) -> KBucket.Insertion {
    guard contact.id != own else { return .refused }
    let index = bucketIndex(contact.id.bytes)
    while buckets.count <= index {
      let width =
        buckets.count < settings.firstBuckets.count
        ? settings.firstBuckets[buckets.count] : settings.bucketSize
      buckets.append(KBucket(capacity: width, replacements: settings.replacements))
      feedings.append(Feeding(due: now, pause: Self.shortestPause))
    }
    return buckets[index].answered(contact, roundTrip: roundTrip, now: now)
  }

  /// Notes that a request to a contact went unanswered; whether it has lost its place.
  @discardableResult
  mutating func failed(_ contact: Contact, now: Instant) -> Bool {
    let index = bucketIndex(contact.id.bytes)
    guard index < buckets.count else { return false }
    let isGone = buckets[index].failed(contact.key, now: now)
    if buckets[index].isHungry {
      feedings[index].due = min(feedings[index].due, now + Self.pauseAfterLoss)
    }
    return isGone
  }

  /// Forgets a node that wants to be left out; whether it had a place.
  @discardableResult
  mutating func remove(_ contact: Contact) -> Bool {
    let index = bucketIndex(contact.id.bytes)
    return index < buckets.count && buckets[index].remove(contact.key)
  }

  /// Whether it is worth a ping to let this contact in.
  func wants(_ contact: Contact) -> Bool {
    guard contact.id != own else { return false }
    let index = bucketIndex(contact.id.bytes)
    return index >= buckets.count || buckets[index].wants(contact)
  }

  /// What is known of the round trips to a contact.
  func roundTrip(to contact: Contact) -> RoundTrip? {
    entry(of: contact)?.roundTrip
  }

  /// The nearest live contacts, nearest first; silent ones too if `includesSilent`.
  ///
  /// `isDiverse` keeps the caps on networks over the whole result.
  func closest(
    to target: Bytes32, count: Int, includesSilent: Bool = false, isDiverse: Bool = true
  ) -> [Contact] {
    var result: [Contact] = []
    result.reserveCapacity(count)
    var diversity = Diversity()
    let home = min(bucketIndex(target), buckets.count)
    // Nearest: those that differ from us where the target does. Then all that are nearer to us, as
    // one set. Then the others, each bucket farther than the one before.
    if home < buckets.count {
      take(home...home)
      if home + 1 < buckets.count { take(home + 1...buckets.count - 1) }
    }
    var index = home - 1
    while index >= 0, result.count < count {
      take(index...index)
      index -= 1
    }
    return result

    func take(_ range: ClosedRange<Int>) {
      let wanted = count - result.count
      guard wanted > 0 else { return }
      // A few more than wanted, since the caps may pass over some.
      var limit = wanted + 8
      while true {
        let near = nearest(limit, in: range, to: target, includesSilent: includesSilent)
        var caps = diversity
        var chosen: [Contact] = []
        for place in near where chosen.count < wanted {
          let contact = contact(place)
          if isDiverse, !caps.admit(contact) { continue }
          chosen.append(contact)
        }
        if chosen.count == wanted || near.count < limit {
          diversity = caps
          result += chosen
          return
        }
        limit *= 4
      }
    }
  }

  /// The places of the `limit` nearest entries of some buckets, nearest first.
  private func nearest(
    _ limit: Int, in range: ClosedRange<Int>, to target: Bytes32, includesSilent: Bool
  ) -> [Place] {
    var near: [Place] = []
    near.reserveCapacity(min(limit, 160) + 1)
    var worst = UInt64.max
    for index in range {
      let entries = buckets[index].entries
      for position in entries.indices where includesSilent || entries[position].isLive {
        let distance = entries[position].contact.id.bytes.words.0 ^ target.words.0
        if near.count == limit, distance >= worst { continue }
        var place = near.count
        while place > 0, distance < near[place - 1].distance { place -= 1 }
        let new = Place(distance: distance, bucket: UInt16(index), entry: UInt16(position))
        near.insert(new, at: place)
        if near.count > limit { near.removeLast() }
        if near.count == limit { worst = near[limit - 1].distance }
      }
    }
    return near
  }

  /// Where an entry lies and how far it is from a target, by the first 64 bits: they tell honest ids
  /// apart, and it costs too much to make others share them.
  private struct Place {
    let distance: UInt64
    let bucket: UInt16
    let entry: UInt16
  }

  private func contact(_ place: Place) -> Contact {
    buckets[Int(place.bucket)].entries[Int(place.entry)].contact
  }

  /// Notes that a contact showed by a request with our cookie that it is there; whether it is known.
  mutating func appeared(_ contact: Contact, now: Instant) -> Bool {
    let index = bucketIndex(contact.id.bytes)
    return index < buckets.count && buckets[index].appeared(contact, now: now)
  }

  /// What is kept of a contact.
  func entry(of contact: Contact) -> KBucket.Entry? {
    let index = bucketIndex(contact.id.bytes)
    guard index < buckets.count else { return nil }
    return buckets[index].entries.first { $0.contact.key == contact.key }
  }

  /// The widest of the first `depth` buckets that wants more contacts and whose turn it is; nil if none
  /// is.
  func hungryBucket(now: Instant, depth: Int) -> Int? {
    buckets.indices.prefix(depth).first { feedings[$0].due <= now && buckets[$0].isHungry }
  }

  /// How many contacts a bucket wants.
  func need(of index: Int) -> Int { index < buckets.count ? buckets[index].need : 0 }

  /// Notes that contacts for a bucket are being asked for; the next time is when the pause is over.
  mutating func feeding(_ index: Int, now: Instant) {
    feedings[index].due = now + feedings[index].pause
  }

  /// Notes how many wanted contacts were found for a bucket: with none, the pause grows.
  mutating func fed(_ index: Int, by count: Int, now: Instant) {
    guard index < feedings.count else { return }
    let longest = index < 5 ? settings.refreshInterval : settings.deepRefreshInterval
    feedings[index].pause =
      count > 2 ? Self.shortestPause : min(feedings[index].pause * 4, longest)
    feedings[index].due = now + feedings[index].pause
  }

  /// The live contact of a bucket that is best asked for others of it; any other if it has none.
  func feeder(of index: Int, using random: inout some RandomNumberGenerator) -> Contact? {
    let live = buckets[index].entries.filter(\.isLive)
    return live.randomElement(using: &random)?.contact
  }

  /// The live contacts not heard of for longer than `age`, the longest first, at most `limit`.
  func stalest(_ limit: Int, age: Duration, now: Instant) -> [Contact] {
    var found: [(heard: Instant, contact: Contact)] = []
    for bucket in buckets {
      for entry in bucket.entries where entry.failures == 0 && now - entry.lastReply >= age {
        if found.count == limit, let last = found.last, entry.lastReply >= last.heard { continue }
        let place = found.firstIndex { entry.lastReply < $0.heard } ?? found.count
        found.insert((entry.lastReply, entry.contact), at: place)
        if found.count > limit { found.removeLast() }
      }
    }
    return found.map(\.contact)
  }

  /// A random id in a bucket's range.
  func randomID(inBucket index: Int, using random: inout some RandomNumberGenerator) -> Bytes32 {
    let noise = Bytes32.random(using: &random)
    var words = [own.bytes.words.0, own.bytes.words.1, own.bytes.words.2, own.bytes.words.3]
    let fresh = [noise.words.0, noise.words.1, noise.words.2, noise.words.3]
    for word in 0..<4 {
      let kept = min(64, max(0, index - word * 64))
      let mask = kept == 64 ? UInt64.max : ~(UInt64.max >> UInt64(kept))
      words[word] = words[word] & mask | fresh[word] & ~mask
    }
    let bit = UInt64(1) << UInt64(63 - index % 64)
    let own =
      [self.own.bytes.words.0, self.own.bytes.words.1, self.own.bytes.words.2]
      + [self.own.bytes.words.3]
    words[index / 64] = words[index / 64] & ~bit | ~own[index / 64] & bit
    return Bytes32(words: (words[0], words[1], words[2], words[3]))
  }

  /// The contacts that failed lately, with the most hopeful first, at most `limit`.
  mutating func silent(now: Instant, limit: Int) -> [Contact] {
    var found: [(failures: Int, contact: Contact)] = []
    for index in buckets.indices {
      for entry in buckets[index].failing() {
        // Once may be a lost datagram; more than that is a node that went or a cut.
        let pause = Duration.seconds(entry.failures == 1 ? 30 : 300 << Int(entry.failures / 2))
        if now - entry.lastFailure >= pause { found.append((Int(entry.failures), entry.contact)) }
      }
    }
    found.sort { ($0.failures, $0.contact.key) < ($1.failures, $1.contact.key) }
    return found.prefix(limit).map(\.contact)
  }

  /// All contacts with their last reply, the longest known of each bucket first.
  var entries: [KBucket.Entry] {
    var all: [KBucket.Entry] = []
    for bucket in buckets { all += bucket.entries }
    return all
  }

  private func bucketIndex(_ target: Bytes32) -> Int {
    min(255, (target ^ own.bytes).leadingZeroBitCount)
  }
}
