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
  }

  let target: Bytes32
  private let width: Int
  private let limit: Int
  private var candidates: [Candidate] = []
  /// Candidates that were asked and are not slow yet.
  private(set) var outstanding = 0

  /// A search that ends when the `width` nearest that are alive have answered.
  init(target: Bytes32, width: Int) {
    self.target = target
    self.width = width
    limit = width * 3
  }

  /// Takes a contact in, unless it is known or too far to matter.
  mutating func add(_ contact: Contact) {
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
    candidates.insert(
      Candidate(contact: contact, distance: distance, state: .unasked), at: place)
    if candidates.count > limit, let last = candidates.last {
      if last.state == .asked { outstanding -= 1 }
      candidates.removeLast()
    }
  }

  /// The nearest candidate worth asking; nil if none is.
  func nextToAsk() -> Contact? {
    var seen = 0
    for candidate in candidates {
      switch candidate.state {
      case .unasked: return candidate.contact
      case .asked, .answered: seen += 1
      case .slow, .failed: break
      }
      if seen == width { return nil }
    }
    return nil
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
    if candidates[place].state == .asked { outstanding -= 1 }
    if state == .asked { outstanding += 1 }
    candidates[place].state = state
  }

  /// Whether nothing is left to ask or to wait for.
  ///
  /// Slow ones are waited for only while too few have answered, or always if `isPatient`.
  func isExhausted(isPatient: Bool) -> Bool {
    var answered = 0
    var slow = false
    for candidate in candidates {
      switch candidate.state {
      case .unasked, .asked: return false
      case .slow: slow = true
      case .answered: answered += 1
      case .failed: break
      }
      if answered == width { break }
    }
    return !slow || (!isPatient && answered == width)
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
    var low = 0
    var high = candidates.count
    while low < high {
      let middle = (low + high) / 2
      if candidates[middle].distance < distance { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
