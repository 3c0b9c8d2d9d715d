public import Wire

/// The name of a blob: the root of its SHA-256 Merkle tree over 16 KiB leaves (BEP 52).
public struct ContentRoot: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
  /// The 32 bytes.
  public let bytes: Bytes32

  /// The root with these bytes.
  public init(_ bytes: Bytes32) {
    self.bytes = bytes
  }

  /// The root of 64 hexadecimal digits; nil for anything else.
  public init?(hex: some StringProtocol) {
    guard let bytes = Bytes32(hex: hex) else { return nil }
    self.init(bytes)
  }

  /// Whether the left root's bytes come first.
  public static func < (left: ContentRoot, right: ContentRoot) -> Bool {
    left.bytes < right.bytes
  }

  /// 64 hexadecimal digits.
  public var description: String { bytes.hex }

  /// Reads 64 hexadecimal digits.
  public init(from decoder: any Decoder) throws {
    self.init(try Bytes32(from: decoder))
  }

  /// Writes 64 hexadecimal digits.
  public func encode(to encoder: any Encoder) throws {
    try bytes.encode(to: encoder)
  }
}
