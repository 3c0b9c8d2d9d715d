import CSodium
public import Wire

/// An Ed25519 public key (RFC 8032).
public struct PublicKey: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
  /// The 32 bytes of the encoded point.
  public let bytes: Bytes32

  /// The key of these bytes; whether they are a point shows when a signature is checked.
  public init(_ bytes: Bytes32) {
    self.bytes = bytes
  }

  /// The key of exactly 32 bytes; nil for other counts.
  public init?(_ bytes: some Collection<UInt8>) {
    guard let value = Bytes32(bytes) else { return nil }
    self.init(value)
  }

  /// Whether `signature` is this key's over `message` in `context`.
  public func verify(_ signature: [UInt8], of message: [UInt8], context: String) -> Bool {
    verify(raw: signature, of: Signing.input(message, context))
  }

  /// Whether `signature` is this key's over exactly these bytes, as RFC 8032 has it.
  public func verify(raw signature: [UInt8], of message: [UInt8]) -> Bool {
    guard signature.count == 64 else { return false }
    Sodium.prepare()
    return crypto_sign_verify_detached(signature, message, UInt64(message.count), bytes.bytes) == 0
  }

  /// Whether the left key's bytes come first.
  public static func < (left: PublicKey, right: PublicKey) -> Bool {
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
