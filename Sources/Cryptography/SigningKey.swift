import CSodium

/// An Ed25519 key pair (RFC 8032): a node's identity or an issuer's.
public struct SigningKey: Sendable {
  /// The public half.
  public let publicKey: PublicKey
  private let expanded: SecretBytes

  /// The key of a 32-byte seed; nil for other counts.
  public init?(seed: [UInt8]) {
    guard seed.count == 32 else { return nil }
    Sodium.prepare()
    var secret = [UInt8](repeating: 0, count: 64)
    var point = [UInt8](repeating: 0, count: 32)
    guard crypto_sign_seed_keypair(&point, &secret, seed) == 0, let key = PublicKey(point) else {
      return nil
    }
    publicKey = key
    expanded = SecretBytes(secret)
  }

  /// The 32 secret bytes that everything else follows from.
  public var seed: [UInt8] { Array(expanded.bytes.prefix(32)) }

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
    crypto_sign_detached(&signature, nil, message, UInt64(message.count), expanded.bytes)
    return signature
  }

  /// The X25519 secret that belongs to this key (RFC 7748), for sealing datagrams.
  func agreementSecret() -> SecretBytes {
    var secret = [UInt8](repeating: 0, count: 32)
    crypto_sign_ed25519_sk_to_curve25519(&secret, expanded.bytes)
    return SecretBytes(secret)
  }
}

/// What is signed: the context, a zero byte, the message.
enum Signing {
  static func input(_ message: [UInt8], _ context: String) -> [UInt8] {
    Array(context.utf8) + [0] + message
  }
}
