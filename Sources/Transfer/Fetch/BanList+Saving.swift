import Cryptography
public import Wire

extension BanList {
  /// The first byte of the saved form.
  private static let version: UInt8 = 1
  /// A key, when the ban ends, and the offence with its two numbers.
  private static let entrySize = 32 + 8 + 1 + 8 + 8

  /// The ends are written in steps of so many seconds, rounded up, so that the same bans give the same
  /// bytes a minute later.
  private static let step: Int64 = 600

  /// The bans that last, as bytes to write down; `wall` is the time that `now` is.
  public func encoded(now: Instant, wall: Timestamp) -> [UInt8] {
    var bytes: [UInt8] = [Self.version]
    for (key, entry) in current(now: now) {
      bytes += key.bytes.bytes
      // An end that is on a step stays there, however often it is read and written again.
      let end = (wall + (entry.until - now)).seconds
      let until = (end + Self.step - 1) / Self.step * Self.step
      Self.append(UInt64(bitPattern: until), to: &bytes)
      let (code, first, second) = entry.offence.saved
      bytes.append(code)
      Self.append(first, to: &bytes)
      Self.append(second, to: &bytes)
    }
    return bytes
  }

  /// Takes in what an earlier run wrote down, as far as it lasts and makes sense; no ban becomes longer
  /// than `term`, whatever the clock was.
  public mutating func restore(_ bytes: [UInt8], now: Instant, wall: Timestamp) {
    guard bytes.first == Self.version else { return }
    var rest = bytes.dropFirst()
    while rest.count >= Self.entrySize, entries.count < capacity {
      let fields = rest.prefix(Self.entrySize)
      rest = rest.dropFirst(Self.entrySize)
      let start = fields.startIndex
      let until = Timestamp(Int64(bitPattern: Self.number(fields[(start + 32)...])))
      let left = min(until - wall, term)
      let offence = Offence(
        saved: fields[start + 40], Self.number(fields[(start + 41)...]),
        Self.number(fields[(start + 49)...]))
      guard left > .zero, let offence, let key = Bytes32(fields.prefix(32)) else { continue }
      entries[PublicKey(key)] = Entry(offence: offence, until: now + left)
    }
  }

  private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
    for shift in stride(from: 56, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
    }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}

extension Offence {
  fileprivate var saved: (code: UInt8, first: UInt64, second: UInt64) {
    switch self {
    case .wrongSize(let size, let signed): (1, size, signed)
    case .badBitmap: (2, 0, 0)
    case .badLayer: (3, 0, 0)
    case .badBlock(let block): (4, UInt64(clamping: block), 0)
    case .badLength(let block, let length): (5, UInt64(clamping: block), UInt64(clamping: length))
    case .unasked: (6, 0, 0)
    case .violation: (7, 0, 0)
    }
  }

  fileprivate init?(saved code: UInt8, _ first: UInt64, _ second: UInt64) {
    switch code {
    case 1: self = .wrongSize(first, signed: second)
    case 2: self = .badBitmap
    case 3: self = .badLayer
    case 4: self = .badBlock(Int(clamping: first))
    case 5: self = .badLength(block: Int(clamping: first), Int(clamping: second))
    case 6: self = .unasked
    case 7: self = .violation
    default: return nil
    }
  }
}
