/// What is to happen, by time and then by the order in which it was planned.
///
/// A four-way heap of 16-byte entries; what they stand for lies elsewhere, so that a million of them
/// move cheaply.
struct EventQueue: Sendable {
  /// What an entry's number names.
  enum Kind: UInt64, Sendable {
    /// A datagram on its way, by its place in the network's slab.
    case parcel = 0
    /// A machine that wants to be ticked, by its node.
    case wake = 1
    /// The end of a node's session, by its node.
    case departure = 2
  }

  private struct Entry: Sendable {
    let at: UInt64
    /// Order of planning in the high 34 bits, 2 bits of kind, 28 bits of number.
    let rest: UInt64

    static func < (left: Entry, right: Entry) -> Bool {
      left.at != right.at ? left.at < right.at : left.rest < right.rest
    }
  }

  private var entries: [Entry] = []
  private var order: UInt64 = 0

  /// The number of events planned.
  var count: Int { entries.count }

  /// When the next event is due; nil without one.
  var next: UInt64? { entries.first?.at }

  /// Plans an event.
  mutating func insert(_ kind: Kind, _ number: Int, at: UInt64) {
    order += 1
    let entry = Entry(at: at, rest: order << 30 | kind.rawValue << 28 | UInt64(number))
    entries.append(entry)
    var place = entries.count - 1
    while place > 0 {
      let parent = (place - 1) / 4
      guard entry < entries[parent] else { break }
      entries[place] = entries[parent]
      place = parent
    }
    entries[place] = entry
  }

  /// Takes the next event out.
  mutating func pop() -> (at: UInt64, kind: Kind, number: Int)? {
    guard let first = entries.first, let last = entries.popLast() else { return nil }
    if !entries.isEmpty { sink(last) }
    let kind = Kind(rawValue: first.rest >> 28 & 3) ?? .wake
    return (first.at, kind, Int(first.rest & 0xFFF_FFFF))
  }

  /// Puts an entry where the first was and lets it down to its place.
  private mutating func sink(_ entry: Entry) {
    let count = entries.count
    var place = 0
    while true {
      let first = place * 4 + 1
      guard first < count else { break }
      var least = first
      var child = first + 1
      while child < min(first + 4, count) {
        if entries[child] < entries[least] { least = child }
        child += 1
      }
      guard entries[least] < entry else { break }
      entries[place] = entries[least]
      place = least
    }
    entries[place] = entry
  }
}
