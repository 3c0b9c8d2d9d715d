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

/// An Ed25519 key pair (RFC 8032): a node's identity or an issuer's.
public struct SigningKey: Sendable {
  /// The 32 secret bytes that everything else follows from.
  public let seed: [UInt8]
  /// The public half.
  public let publicKey: PublicKey
  private let expanded: [UInt8]

  /// The key of a 32-byte seed; nil for other counts.
  public init?(seed: [UInt8]) {
    guard seed.count == 32 else { return nil }
    Sodium.prepare()
    var secret = [UInt8](repeating: 0, count: 64)
    var point = [UInt8](repeating: 0, count: 32)
    guard crypto_sign_seed_keypair(&point, &secret, seed) == 0, let key = PublicKey(point) else {
      return nil
    }
    self.seed = seed
    publicKey = key
    expanded = secret
  }

  /// A new key from the operating system's random numbers.
  public static func generate() -> SigningKey {
    guard let key = SigningKey(seed: SecureRandom.bytes(32)) else {
      preconditionFailure("no key from a 32-byte seed")
    }
    return key
  }

  /// The 64-byte signature over `message` in `context`.
  ///
  /// The context keeps a signature made for one purpose from being valid for another.
  public func sign(_ message: [UInt8], context: String) -> [UInt8] {
    sign(raw: Signing.input(message, context))
  }

  /// The 64-byte signature over exactly these bytes.
  public func sign(raw message: [UInt8]) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: 64)
    crypto_sign_detached(&signature, nil, message, UInt64(message.count), expanded)
    return signature
  }

  /// The X25519 secret that belongs to this key (RFC 7748), for sealing datagrams.
  func agreementSecret() -> [UInt8] {
    var secret = [UInt8](repeating: 0, count: 32)
    crypto_sign_ed25519_sk_to_curve25519(&secret, expanded)
    return secret
  }
}

/// What is signed: the context, a zero byte, the message.
enum Signing {
  static func input(_ message: [UInt8], _ context: String) -> [UInt8] {
    Array(context.utf8) + [0] + message
  }
}

/// Who a node is in the DHT: BLAKE2b-256 of its public key, so that ids can't be chosen freely.
public struct NodeID: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The 32 bytes.
  public let bytes: Bytes32

  /// The id with these bytes, for keys of other kinds and for simulations.
  public init(_ bytes: Bytes32) {
    self.bytes = bytes
  }

  /// The id of the node with this key.
  public init(of key: PublicKey) {
    bytes = BLAKE2b.hash256(key.bytes.bytes)
  }

  /// Whether the left id is the smaller number.
  public static func < (left: NodeID, right: NodeID) -> Bool {
    left.bytes < right.bytes
  }

  /// 64 hexadecimal digits.
  public var description: String { bytes.hex }
}
