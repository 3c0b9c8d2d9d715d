import Cryptography
import Wire

/// The contacts of a node, in buckets by the number of leading bits that they share with its id
/// (Kademlia §2.2).
struct RoutingTable: Sendable {
  let own: NodeID
  private let settings: KademliaSettings
  private var buckets: [KBucket] = []
  /// When each bucket's range was last looked up.
  private var touched: [Instant] = []

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
      touched.append(now)
    }
    return buckets[index].answered(contact, roundTrip: roundTrip, now: now)
  }

  /// Notes that a request to a contact went unanswered.
  mutating func failed(_ contact: Contact, now: Instant) {
    let index = bucketIndex(contact.id.bytes)
    guard index < buckets.count else { return }
    buckets[index].failed(contact.key, now: now)
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
      guard result.count < count else { return }
      var near: [(distance: Bytes32, contact: Contact)] = []
      for bucket in buckets[range] {
        for entry in bucket.entries where includesSilent || entry.isLive {
          near.append((entry.contact.id.bytes ^ target, entry.contact))
        }
      }
      near.sort { $0.distance < $1.distance }
      for (_, contact) in near where result.count < count {
        if isDiverse {
          guard diversity.admits(contact.address) else { continue }
          diversity.add(contact.address)
        }
        result.append(contact)
      }
    }
  }

  /// Notes that the range of `target` is being looked up.
  mutating func touch(_ target: Bytes32, now: Instant) {
    let index = bucketIndex(target)
    if index < touched.count { touched[index] = now }
  }

  /// Notes that a bucket's range is being looked up.
  mutating func touchBucket(_ index: Int, now: Instant) {
    touched[index] = now
  }

  /// What is kept of a contact.
  func entry(of contact: Contact) -> KBucket.Entry? {
    let index = bucketIndex(contact.id.bytes)
    guard index < buckets.count else { return nil }
    return buckets[index].entries.first { $0.contact.key == contact.key }
  }

  /// The bucket that has rested longest beyond its interval; nil if none has.
  func stalestBucket(now: Instant) -> Int? {
    var found: Int?
    for index in buckets.indices {
      let interval = index < 5 ? settings.refreshInterval : settings.deepRefreshInterval
      guard now - touched[index] >= interval else { continue }
      if let best = found, touched[best] <= touched[index] { continue }
      found = index
    }
    return found
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
  func silent(now: Instant, limit: Int) -> [Contact] {
    var found: [(failures: Int, contact: Contact)] = []
    for bucket in buckets {
      for entry in bucket.entries where entry.failures > 0 {
        let pause = Duration.seconds(30 << min(entry.failures, 7))
        if now - entry.lastFailure >= pause { found.append((entry.failures, entry.contact)) }
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
