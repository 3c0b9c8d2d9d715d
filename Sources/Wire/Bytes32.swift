/// Thirty-two bytes compared as one big-endian number: a digest, a key or a DHT id.
public struct Bytes32: Hashable, Sendable {
  /// The four 64-bit words, most significant first.
  public let words: (UInt64, UInt64, UInt64, UInt64)

  /// The value whose bytes are all zero.
  public static let zero = Bytes32(words: (0, 0, 0, 0))

  /// The value of these words, most significant first.
  public init(words: (UInt64, UInt64, UInt64, UInt64)) {
    self.words = words
  }

  /// The value of exactly 32 bytes; nil for any other count.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    var iterator = bytes.makeIterator()
    var next: UInt64 {
      var word: UInt64 = 0
      for _ in 0..<8 { word = word << 8 | UInt64(iterator.next() ?? 0) }
      return word
    }
    self.init(words: (next, next, next, next))
  }

  /// The value of 64 hexadecimal digits of either case; nil for anything else.
  public init?(hex: some StringProtocol) {
    guard let bytes = [UInt8](hex: hex) else { return nil }
    self.init(bytes)
  }

  /// A uniformly random value.
  public static func random(using random: inout some RandomNumberGenerator) -> Bytes32 {
    Bytes32(words: (random.next(), random.next(), random.next(), random.next()))
  }

  /// The 32 bytes, most significant first.
  public var bytes: [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(32)
    for word in [words.0, words.1, words.2, words.3] {
      for shift in stride(from: 56, through: 0, by: -8) {
        out.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
      }
    }
    return out
  }

  /// 64 lower-case hexadecimal digits.
  public var hex: String { bytes.hex }

  /// The number of leading zero bits, 0 to 256.
  public var leadingZeroBitCount: Int {
    if words.0 != 0 { return words.0.leadingZeroBitCount }
    if words.1 != 0 { return 64 + words.1.leadingZeroBitCount }
    if words.2 != 0 { return 128 + words.2.leadingZeroBitCount }
    return 192 + words.3.leadingZeroBitCount
  }

  /// The XOR distance (Kademlia §2.1).
  public static func ^ (left: Bytes32, right: Bytes32) -> Bytes32 {
    Bytes32(
      words: (
        left.words.0 ^ right.words.0, left.words.1 ^ right.words.1,
        left.words.2 ^ right.words.2, left.words.3 ^ right.words.3
      ))
  }

  /// Whether all 32 bytes are equal.
  public static func == (left: Bytes32, right: Bytes32) -> Bool {
    left.words == right.words
  }

  /// Feeds all 256 bits: peers choose DHT keys and content roots freely, and could otherwise fill a
  /// dictionary with values that differ only where nobody looks.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

extension Bytes32: Comparable {
  /// The order of the values as big-endian numbers.
  public static func < (left: Bytes32, right: Bytes32) -> Bool {
    left.words < right.words
  }
}

extension Bytes32: CustomStringConvertible {
  /// 64 lower-case hexadecimal digits.
  public var description: String { hex }
}

extension Bytes32: Codable {
  /// Reads 64 hexadecimal digits.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Bytes32(hex: text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "expected 64 hexadecimal digits, not \(text.count)")
    }
    self = value
  }

  /// Writes 64 hexadecimal digits.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(hex)
  }
}
