/// A running digest of everything that happened, in order: one seed gives one digest.
public struct TraceDigest: Sendable, Equatable, CustomStringConvertible {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  /// The digest of nothing.
  public init() {}

  /// Takes one number in.
  public mutating func add(_ value: UInt64) {
    state = (state ^ value) &* 0x0000_0100_0000_01B3
    state ^= state >> 29
    state = state &* 0x9E37_79B9_7F4A_7C15
  }

  /// 16 hexadecimal digits.
  public var description: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
