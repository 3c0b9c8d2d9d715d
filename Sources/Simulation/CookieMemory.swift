import Cryptography
import Wire

/// Who holds a valid address cookie of whom, for the network as a whole and in bounded memory.
///
/// A place holds one pair; a later pair takes it over. What is forgotten that way makes a request look
/// as if it came without a cookie, which costs bytes and never helps.
struct CookieMemory: Sendable {
  private var places: [UInt64]
  private let mask: Int
  /// A cookie is valid for one to two epochs; a sender goes by the shorter, in seconds.
  static let life = UInt64(AddressCookie.epoch.components.seconds)

  /// A memory for about this many pairs.
  init(pairs: Int) {
    var size = 1_024
    while size < pairs { size *= 2 }
    places = [UInt64](repeating: 0, count: size)
    mask = size - 1
  }

  /// Notes that `holder` got a cookie of `giver`.
  mutating func note(holder: Int, giver: Int, now: Instant) {
    let (place, tag) = entry(holder, giver)
    places[place] = tag | (now.nanoseconds / 1_000_000_000 + 1)
  }

  /// Whether `holder` has a valid cookie of `giver`.
  func has(holder: Int, giver: Int, now: Instant) -> Bool {
    let (place, tag) = entry(holder, giver)
    let value = places[place]
    guard value != 0, value & ~0xFFFF_FFFF == tag else { return false }
    return now.nanoseconds / 1_000_000_000 + 1 - (value & 0xFFFF_FFFF) < Self.life
  }

  private func entry(_ holder: Int, _ giver: Int) -> (Int, UInt64) {
    var mixed = UInt64(holder) << 32 | UInt64(giver)
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    mixed ^= mixed >> 31
    return (Int(truncatingIfNeeded: mixed) & mask, mixed & ~0xFFFF_FFFF)
  }
}
