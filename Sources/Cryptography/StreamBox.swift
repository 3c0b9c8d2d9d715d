import CSodium
public import Wire

/// A key pair for one stream, forgotten with it, so that who takes the node's key later can't read
/// what was sent (forward secrecy).
public struct EphemeralKey: Sendable {
  fileprivate let secret: SecretBytes
  /// What the other side gets.
  public let publicKey: Bytes32

  /// A fresh pair.
  public init() {
    self.init(secret: SecureRandom.bytes(32))
  }

  /// The pair of a given secret of 32 bytes, for test vectors.
  public init(secret: [UInt8]) {
    precondition(secret.count == 32)
    self.secret = SecretBytes(secret)
    var point = [UInt8](repeating: 0, count: 32)
    crypto_scalarmult_base(&point, secret)
    publicKey = Bytes32(point) ?? Bytes32.zero
  }
}

/// Seals and opens the packets of one stream.
///
/// Keys = BLAKE2b-256(X25519 of the ephemeral keys ‖ "larder stream 1" ‖ opener's node key ‖ acceptor's ‖
/// opener's session ‖ acceptor's ‖ 1 for the opener's packets, 2 for the acceptor's). AES-256-GCM where
/// both sides have instructions for it, with 3 and 4 in the place of 1 and 2, else ChaCha20-Poly1305; the
/// nonce is the packet's number, which no packet of one direction shares; the
/// clear header is associated data. Layout: kind 1 byte, receiver's session 8, number 8, ciphertext, tag
/// 16.
public struct StreamBox: Sendable {
  /// The two sides of a stream, as the opening exchange named them.
  public struct Sides: Sendable {
    /// The node that opened it.
    public var opener: PublicKey
    /// The node that granted it.
    public var acceptor: PublicKey
    /// The session by which the opener is written to.
    public var openerSession: UInt64
    /// The session by which the acceptor is written to.
    public var acceptorSession: UInt64

    /// The sides of a stream.
    public init(
      opener: PublicKey, acceptor: PublicKey, openerSession: UInt64, acceptorSession: UInt64
    ) {
      self.opener = opener
      self.acceptor = acceptor
      self.openerSession = openerSession
      self.acceptorSession = acceptorSession
    }
  }

  /// The first byte of a packet, which no sealed datagram has.
  public static let kind: UInt8 = 2
  /// The clear part of a packet.
  public static let headerLength = 1 + 8 + 8
  /// What a packet is longer than its frames.
  public static let overhead = headerLength + 16

  private enum Key: Sendable {
    case chaCha(SecretBytes)
    case aes(AESKey)
  }

  private let sending: Key
  private let receiving: Key
  private let session: UInt64

  /// Whether this machine has instructions for AES-256-GCM; there is no other implementation here.
  public static let hasFastAES: Bool = {
    Sodium.prepare()
    return crypto_aead_aes256gcm_is_available() == 1
  }()

  /// The box of one side; nil if the other side's ephemeral key is no point to agree with, or if it
  /// shall use AES on a machine without.
  public init?(
    own: EphemeralKey, peer: Bytes32, sides: Sides, isOpener: Bool, usesAES: Bool = false
  ) {
    guard !usesAES || Self.hasFastAES else { return nil }
    var shared = [UInt8](repeating: 0, count: 32)
    defer { sodium_memzero(&shared, shared.count) }
    guard crypto_scalarmult(&shared, own.secret.bytes, peer.bytes) == 0 else { return nil }
    sending = Self.derive(shared, sides, isOpener ? 1 : 2, usesAES: usesAES)
    receiving = Self.derive(shared, sides, isOpener ? 2 : 1, usesAES: usesAES)
    session = isOpener ? sides.acceptorSession : sides.openerSession
  }

  /// The session and the number in a packet's header; nil if it is no packet of a stream.
  public static func header(
    of packet: UnsafeRawBufferPointer
  ) -> (session: UInt64, number: UInt64)? {
    guard packet.count >= overhead, packet[0] == kind else { return nil }
    let session = packet.loadUnaligned(fromByteOffset: 1, as: UInt64.self)
    let number = packet.loadUnaligned(fromByteOffset: 9, as: UInt64.self)
    return (UInt64(bigEndian: session), UInt64(bigEndian: number))
  }

  /// Writes the packet with these frames to `packet`, which has room for `overhead` more bytes; returns
  /// its length. No number is used twice.
  public func seal(
    _ frames: [UInt8], number: UInt64, into packet: UnsafeMutableRawBufferPointer
  ) -> Int {
    precondition(packet.count >= frames.count + Self.overhead)
    packet[0] = Self.kind
    packet.storeBytes(of: session.bigEndian, toByteOffset: 1, as: UInt64.self)
    packet.storeBytes(of: number.bigEndian, toByteOffset: 9, as: UInt64.self)
    guard let base = packet.bindMemory(to: UInt8.self).baseAddress else { return 0 }
    let status = Self.withNonce(number) { nonce in
      switch sending {
      case .chaCha(let key):
        crypto_aead_chacha20poly1305_ietf_encrypt(
          base + Self.headerLength, nil, frames, UInt64(frames.count), base,
          UInt64(Self.headerLength), nil, nonce, key.bytes)
      case .aes(let key):
        crypto_aead_aes256gcm_encrypt_afternm(
          base + Self.headerLength, nil, frames, UInt64(frames.count), base,
          UInt64(Self.headerLength), nil, nonce, key.state)
      }
    }
    precondition(status == 0)
    return frames.count + Self.overhead
  }

  /// Opens a packet into `frames`, whose old content is lost; returns whether the tag was right.
  public func open(
    _ packet: UnsafeRawBufferPointer, number: UInt64, into frames: inout [UInt8]
  ) -> Bool {
    guard packet.count >= Self.overhead,
      let base = packet.bindMemory(to: UInt8.self).baseAddress
    else { return false }
    let count = packet.count - Self.overhead
    if frames.count < count { frames = [UInt8](repeating: 0, count: max(count, 2_048)) }
    let status = Self.withNonce(number) { nonce in
      let sealed = base + Self.headerLength
      let length = UInt64(packet.count - Self.headerLength)
      return switch receiving {
      case .chaCha(let key):
        crypto_aead_chacha20poly1305_ietf_decrypt(
          &frames, nil, nil, sealed, length, base, UInt64(Self.headerLength), nonce, key.bytes)
      case .aes(let key):
        crypto_aead_aes256gcm_decrypt_afternm(
          &frames, nil, nil, sealed, length, base, UInt64(Self.headerLength), nonce, key.state)
      }
    }
    return status == 0
  }

  /// The nonce of twelve bytes: four of zero, then the number, lowest byte first.
  private static func withNonce(
    _ number: UInt64, _ body: (UnsafePointer<UInt8>) -> CInt
  ) -> CInt {
    let low = UInt32(truncatingIfNeeded: number).littleEndian
    let high = UInt32(truncatingIfNeeded: number >> 32).littleEndian
    var nonce = (UInt32(0), low, high)
    return withUnsafePointer(to: &nonce) { nonce in
      nonce.withMemoryRebound(to: UInt8.self, capacity: 12) { body($0) }
    }
  }

  private static func derive(
    _ shared: [UInt8], _ sides: Sides, _ direction: UInt8, usesAES: Bool
  ) -> Key {
    var hash = BLAKE2b()
    hash.update(shared)
    hash.update(Array("larder stream 1".utf8))
    hash.update(sides.opener.bytes.bytes)
    hash.update(sides.acceptor.bytes.bytes)
    hash.update(withUnsafeBytes(of: sides.openerSession.bigEndian) { Array($0) })
    hash.update(withUnsafeBytes(of: sides.acceptorSession.bigEndian) { Array($0) })
    hash.update([usesAES ? direction + 2 : direction])
    let key = hash.finalize()
    return usesAES ? .aes(AESKey(key)) : .chaCha(SecretBytes(key))
  }
}
