import CSodium
import Wire

/// Seals and opens the datagrams between two nodes.
///
/// Key = BLAKE2b-256(X25519 of the node keys ‖ network name ‖ sender's key ‖ receiver's key): a packet
/// can't be reflected to its sender nor carried into another network. XChaCha20-Poly1305 with a random
/// nonce; the clear header is associated data. Layout: version 1 byte, sender's key 32, cookie 16,
/// nonce 24, ciphertext, tag 16.
public struct DatagramBox: Sendable {
  /// Why a datagram can't be opened.
  public enum OpenError: Error, Equatable, Sendable {
    /// Shorter than header and tag, or over `Limits.datagram`.
    case badLength(Int)
    /// The first byte is not a version known here.
    case unknownVersion(UInt8)
    /// No key can be agreed with the sender's key (not a point of the curve, or our own).
    case badKey
    /// The tag is wrong: another receiver, another network, or altered bytes.
    case forged
  }

  /// The clear part of a datagram, readable before any key is agreed.
  public struct Header: Equatable, Sendable {
    /// The sender's node key.
    public let sender: PublicKey
    /// The cookie that the sender shows, or `AddressCookie.none`.
    public let cookie: [UInt8]
  }

  /// The keys agreed with one peer, one for each direction.
  public struct Session: Sendable {
    fileprivate let sending: SecretKey
    fileprivate let receiving: SecretKey
  }

  /// The bytes that a datagram is longer than its message: header and tag.
  public static let overhead = 1 + 32 + AddressCookie.length + nonceLength + 16
  /// The longest message that fits one datagram.
  public static let capacity = Limits.datagram - overhead

  static let version: UInt8 = 1
  private static let nonceLength = 24
  private static let headerLength = 1 + 32 + AddressCookie.length + nonceLength

  private let key: PublicKey
  private let secret: SecretBytes
  private let network: [UInt8]

  /// The box of the node with this key in the network of this name.
  public init(key: SigningKey, network: String) {
    self.key = key.publicKey
    secret = key.agreementSecret()
    self.network = Array(network.utf8)
  }

  /// Agrees keys with a peer: about 60 µs, so callers keep the session.
  public func agree(with peer: PublicKey) throws(OpenError) -> Session {
    guard peer != key else { throw .badKey }
    var point = [UInt8](repeating: 0, count: 32)
    var shared = [UInt8](repeating: 0, count: 32)
    defer { sodium_memzero(&shared, shared.count) }
    guard crypto_sign_ed25519_pk_to_curve25519(&point, peer.bytes.bytes) == 0,
      crypto_scalarmult(&shared, secret.bytes, point) == 0
    else { throw .badKey }
    return Session(
      sending: derive(shared, from: key, to: peer), receiving: derive(shared, from: peer, to: key))
  }

  /// The datagram that carries `message` to the session's peer; `message` is at most `capacity` long.
  public func seal(_ message: [UInt8], cookie: [UInt8], with session: Session) -> [UInt8] {
    precondition(message.count <= Self.capacity && cookie.count == AddressCookie.length)
    let nonce = SecureRandom.bytes(Self.nonceLength)
    var packet: [UInt8] = []
    packet.reserveCapacity(message.count + Self.overhead)
    packet.append(Self.version)
    packet += key.bytes.bytes
    packet += cookie
    packet += nonce
    let header = packet
    var sealed = [UInt8](repeating: 0, count: message.count + 16)
    _ = session.sending.withBytes {
      crypto_aead_xchacha20poly1305_ietf_encrypt(
        &sealed, nil, message, UInt64(message.count), header, UInt64(header.count), nil, nonce, $0)
    }
    return packet + sealed
  }

  /// The clear part of a datagram.
  public static func header(of packet: [UInt8]) throws(OpenError) -> Header {
    guard (overhead...Limits.datagram).contains(packet.count) else {
      throw .badLength(packet.count)
    }
    guard packet[0] == version else { throw .unknownVersion(packet[0]) }
    guard let sender = PublicKey(packet[1..<33]) else { throw .badKey }
    return Header(sender: sender, cookie: Array(packet[33..<33 + AddressCookie.length]))
  }

  /// The message in a datagram from the session's peer.
  public func open(_ packet: [UInt8], with session: Session) throws(OpenError) -> [UInt8] {
    _ = try Self.header(of: packet)
    let header = Array(packet[..<Self.headerLength])
    let nonce = Array(packet[Self.headerLength - Self.nonceLength..<Self.headerLength])
    let sealed = Array(packet[Self.headerLength...])
    var message = [UInt8](repeating: 0, count: sealed.count - 16)
    let status = session.receiving.withBytes {
      crypto_aead_xchacha20poly1305_ietf_decrypt(
        &message, nil, nil, sealed, UInt64(sealed.count), header, UInt64(header.count), nonce, $0)
    }
    guard status == 0 else { throw .forged }
    return message
  }

  private func derive(_ shared: [UInt8], from: PublicKey, to: PublicKey) -> SecretKey {
    var hash = BLAKE2b()
    hash.update(shared)
    hash.update([UInt8(truncatingIfNeeded: network.count)])
    hash.update(network)
    hash.update(from.bytes.bytes)
    hash.update(to.bytes.bytes)
    return SecretKey(hash.finalize())
  }
}
