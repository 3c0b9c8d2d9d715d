import Cryptography
import Wire

/// The search for the nodes nearest to one target (Kademlia §2.3).
///
/// It keeps its best candidates sorted by distance and names whom to ask next. A slow answer lets
/// another candidate in beside it instead of holding the search up.
struct Lookup: Sendable {
  /// How far we are with a candidate.
  enum State: UInt8, Sendable {
    case unasked
    case asked
    /// Asked, and its soft timeout is over.
    case slow
    case answered
    case failed
  }

  private struct Candidate: Sendable {
    var contact: Contact
    let distance: Bytes32
    var state: State
    /// Asked however many nearer ones there are.
    var isForced = false
    /// Asked beside the search, which keeps as many others outstanding as without it.
    var isBeside = false
    /// The number of replies, each to a request that the one before led to, that this one would be
    /// the last of.
    var round: UInt8 = 1
    /// The known round trip in microseconds; 0 for unknown.
    let roundTrip: UInt32
  }

  let target: Bytes32
  /// Candidates within this distance (by the first 64 bits) are asked even beyond the nearest
  /// `width`: attackers who crowd a target can't push the honest ones out of a region of fixed size.
  private let radius: UInt64
  private let width: Int
  private let limit: Int
  private var candidates: [Candidate] = []
  /// Candidates that were asked and are not slow yet.
  private(set) var outstanding = 0

  /// A search that ends when the `width` nearest that are alive have answered,
  /// and all within `radius`.
  init(target: Bytes32, width: Int, radius: UInt64 = 0) {
    self.target = target
    self.width = width
    self.radius = radius
    limit = width * (radius > 0 ? 6 : 3)
  }

  /// Takes a contact in, unless it is known or too far to matter.
  mutating func add(_ contact: Contact, roundTrip: RoundTrip? = nil, round: UInt8 = 1) {
    let distance = contact.id.bytes ^ target
    let place = position(of: distance)
    guard place < limit else { return }
    if place < candidates.count, candidates[place].distance == distance {
      // The same node said to be elsewhere: worth a try only if the known place failed.
      if candidates[place].state == .failed, candidates[place].contact.address != contact.address {
        candidates[place].contact = contact
        candidates[place].state = .unasked
      }
      return
    }
    guard keepsCaps(contact) else { return }
    let time = UInt32(clamping: (roundTrip?.mean.nanoseconds ?? 0) / 1_000)
    candidates.insert(
      Candidate(
        contact: contact, distance: distance, state: .unasked, round: round, roundTrip: time),
      at: place)
    if candidates.count > limit, let last = candidates.last {
      if last.state == .asked, !last.isBeside { outstanding -= 1 }
      candidates.removeLast()
    }
  }

  /// The number of dependent replies of which a candidate's is the last; 1 for one not known here.
  func round(of contact: Contact) -> UInt8 {
    let place = position(of: contact.id.bytes ^ target)
    guard place < candidates.count, candidates[place].contact.key == contact.key else { return 1 }
    return candidates[place].round
  }

  /// Asks a contact in any case, even if it failed in another search; whether it is to be asked only
  /// since.
  @discardableResult
  mutating func force(_ contact: Contact) -> Bool {
    let distance = contact.id.bytes ^ target
    let place = position(of: distance)
    if place < candidates.count, candidates[place].distance == distance {
      guard candidates[place].state == .unasked, !candidates[place].isForced else { return false }
      candidates[place].isForced = true
      return true
    }
    var candidate = Candidate(
      contact: contact, distance: distance, state: .unasked, roundTrip: 0)
    candidate.isForced = true
    candidates.insert(candidate, at: place)
    return true
  }

  /// Takes in a contact that is asked beside the search: it is waited for, and takes nobody's place.
  mutating func addBeside(_ contact: Contact) {
    force(contact)
    let place = position(of: contact.id.bytes ^ target)
    if candidates[place].state == .unasked { candidates[place].isBeside = true }
  }

  /// Whether one more from a contact's network keeps the caps on networks among the candidates.
  private func keepsCaps(_ contact: Contact) -> Bool {
    guard let one = Diversity.Networks(contact) else { return true }
    var wide = 0
    for candidate in candidates where candidate.state != .failed {
      guard let other = Diversity.Networks(candidate.contact), other.broad == one.broad else {
        continue
      }
      if other.narrow == one.narrow { return false }
      wide += 1
    }
    return wide < 2
  }

  /// How many candidates are kept outstanding, and which of them.
  struct Pace: Sendable {
    /// Those at this distance or nearer should all know the answer.
    var likely: UInt64 = 0
    /// Of those, how many are outstanding at once.
    var parallelism: Int
    /// Others, which only show the way, are asked while fewer than this are outstanding in all.
    var scouts: Int
    /// A scout gives way to one that answers sooner, at most this many times as far off; 1 for none.
    var detour: UInt64 = 1

    /// The same with so many outstanding at once, for a search that has many to ask.
    func hurried(_ count: Int) -> Pace {
      Pace(likely: likely, parallelism: count, scouts: count)
    }
  }

  /// The candidate best asked next; nil if none is worth it now.
  ///
  /// The nearest, but of several that are as good the one with the shortest known round trip: of all
  /// that should know the answer, and, if the pace says so, of those about as near as the nearest.
  func nextToAsk(_ pace: Pace) -> Contact? {
    var seen = 0
    var likelyOut = 0
    var best: Candidate?
    var reach = pace.likely
    for candidate in candidates {
      let distance = candidate.distance.words.0
      let isWanted = seen < width || distance <= radius || candidate.isForced
      switch candidate.state {
      case .unasked where isWanted:
        guard let first = best else {
          best = candidate
          guard distance > pace.likely else { continue }
          guard outstanding < pace.scouts else { return nil }
          guard pace.detour > 1 else { return candidate.contact }
          reach = distance > .max / pace.detour ? .max : distance * pace.detour
          continue
        }
        guard distance <= reach else { continue }
        if candidate.roundTrip != 0, first.roundTrip == 0 || candidate.roundTrip < first.roundTrip {
          best = candidate
        }
      case .unasked, .slow, .failed: break
      case .asked, .answered:
        guard !candidate.isBeside else { continue }
        seen += 1
        if candidate.state == .asked, distance <= pace.likely { likelyOut += 1 }
      }
    }
    guard let best else { return nil }
    return best.distance.words.0 <= pace.likely && likelyOut >= pace.parallelism
      ? nil : best.contact
  }

  /// How many times more nodes lie near the target than in a network of this size, judged by the
  /// nearest `width` that answered; 0 if fewer have.
  func crowding(size: Double) -> Double {
    let near = closestAnswered(width)
    guard near.count >= width, size > 0 else { return 0 }
    return NetworkSize.estimate(distances: near.map { $0.id.bytes ^ target }) / size
  }

  /// The part of the nearest candidates asked so far that never answered.
  var failedShare: Double {
    var failed = 0
    var done = 0
    for candidate in candidates.prefix(width * 2) {
      switch candidate.state {
      case .failed: failed += 1
      case .answered: done += 1
      case .unasked, .asked, .slow: break
      }
    }
    return failed + done == 0 ? 0 : Double(failed) / Double(failed + done)
  }

  /// Whether this contact is an unasked candidate among the nearest.
  func wants(_ contact: Contact) -> Bool {
    let place = position(of: contact.id.bytes ^ target)
    guard place < candidates.count, candidates[place].contact.key == contact.key,
      candidates[place].state == .unasked
    else { return false }
    guard place >= width else { return true }
    var nearer = 0
    for candidate in candidates[..<place] {
      switch candidate.state {
      case .unasked, .asked, .answered: nearer += 1
      case .slow, .failed: break
      }
    }
    return nearer < width
  }

  /// Whether this contact is among the nearest `width` that have not failed.
  func isNear(_ contact: Contact) -> Bool {
    let place = position(of: contact.id.bytes ^ target)
    guard place < candidates.count, candidates[place].contact.key == contact.key else {
      return false
    }
    return candidates[..<place].count { $0.state != .failed } < width
  }

  /// Notes how far we are with a contact.
  mutating func mark(_ contact: Contact, _ state: State) {
    let place = position(of: contact.id.bytes ^ target)
    guard place < candidates.count, candidates[place].contact.key == contact.key,
      candidates[place].state != state
    else { return }
    if !candidates[place].isBeside {
      if candidates[place].state == .asked { outstanding -= 1 }
      if state == .asked { outstanding += 1 }
    }
    candidates[place].state = state
  }

  /// Whether nothing is left to ask or to wait for.
  ///
  /// Slow ones are waited for only while too few have answered, or always if `isPatient`.
  func isExhausted(isPatient: Bool) -> Bool {
    var answered = 0
    var slow = false
    for candidate in candidates {
      let isWanted =
        answered < width || candidate.distance.words.0 <= radius || candidate.isForced
      switch candidate.state {
      case .unasked: if isWanted { return false }
      case .asked: if isWanted { return false }
      case .slow: slow = slow || isWanted
      case .answered: if !candidate.isBeside { answered += 1 }
      case .failed: break
      }
    }
    return !slow || (!isPatient && answered >= width)
  }

  /// The nearest that answered, at most `count`.
  func closestAnswered(_ count: Int) -> [Contact] {
    var found: [Contact] = []
    for candidate in candidates where candidate.state == .answered && found.count < count {
      found.append(candidate.contact)
    }
    return found
  }

  /// Where a candidate at this distance stands or would stand.
  private func position(of distance: Bytes32) -> Int {
    candidates.partitioningIndex(afterThose: { $0.distance < distance })
  }
}
