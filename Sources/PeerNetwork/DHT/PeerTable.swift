import Cryptography
import Wire

/// Values by the keys of peers, packed: an array of them and a small index into it.
///
/// A dictionary of such values leaves up to half of its places empty, and a node keeps a value of 150
/// bytes for each of hundreds of peers. Nobody can make two keys with the same first 64 bits; if they
/// come up, the younger takes the place.
struct PeerTable<Value: Sendable>: Sendable {
  private var entries: [(key: PublicKey, value: Value)] = []
  private var places: [UInt64: UInt32] = [:]

  var count: Int { entries.count }

  subscript(key: PublicKey) -> Value? {
    guard let place = place(of: key) else { return nil }
    return entries[place].value
  }

  /// Sets the value of a key.
  mutating func set(_ value: Value, for key: PublicKey) {
    if let place = places[key.bytes.words.0] {
      entries[Int(place)] = (key, value)
      return
    }
    if entries.count == entries.capacity {
      // By a quarter instead of twofold.
      entries.reserveCapacity(entries.count + entries.count / 4 + 4)
    }
    places[key.bytes.words.0] = UInt32(entries.count)
    entries.append((key, value))
  }

  /// Removes the value of a key and returns it; the last entry takes its place.
  mutating func remove(_ key: PublicKey) -> Value? {
    guard let place = place(of: key) else { return nil }
    places[key.bytes.words.0] = nil
    let removed = entries[place].value
    let last = entries.removeLast()
    if place < entries.count {
      entries[place] = last
      places[last.key.bytes.words.0] = UInt32(place)
    }
    return removed
  }

  private func place(of key: PublicKey) -> Int? {
    guard let place = places[key.bytes.words.0], entries[Int(place)].key == key else { return nil }
    return Int(place)
  }
}
