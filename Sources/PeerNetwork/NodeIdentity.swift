import Crypto
public import Cryptography
import Foundation
import NIOCore
import NIOSSL
import SwiftASN1
import Synchronization
import X509

/// Who a node is: its signing key and the TLS certificate that shows it.
///
/// The certificate is self-signed by the node key; nobody looks at anything in it but the key, so its
/// dates span what any clock may say.
public struct NodeIdentity: Sendable {
  /// The node's key pair.
  public let key: SigningKey
  let certificate: NIOSSLCertificate
  let privateKey: NIOSSLPrivateKey

  /// The identity of this key; throws what the TLS library says if it takes no such key.
  public init(_ key: SigningKey) throws {
    self.key = key
    let secret = try Curve25519.Signing.PrivateKey(rawRepresentation: key.seed)
    let name = try DistinguishedName { CommonName("larder") }
    let certificate = try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(bytes: [1]),
      publicKey: Certificate.PublicKey(secret.publicKey),
      notValidBefore: Date(timeIntervalSince1970: 0),
      notValidAfter: Date(timeIntervalSince1970: 4_102_444_800),
      issuer: name, subject: name, signatureAlgorithm: .ed25519,
      extensions: Certificate.Extensions(), issuerPrivateKey: Certificate.PrivateKey(secret))
    var serializer = DER.Serializer()
    try serializer.serialize(certificate)
    self.certificate = try NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der)
    privateKey = try NIOSSLPrivateKey(bytes: Self.pkcs8 + key.seed, format: .der)
  }

  /// What stands before the 32 secret bytes in PKCS #8 (RFC 8410 §7).
  private static let pkcs8: [UInt8] = [
    0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ]

  /// What stands before the 32 public bytes in a SubjectPublicKeyInfo (RFC 8410 §4).
  private static let keyInfo: [UInt8] = [
    0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
  ]

  /// The key that a certificate shows; nil unless it is Ed25519.
  static func key(of certificate: NIOSSLCertificate) -> Cryptography.PublicKey? {
    guard let bytes = try? certificate.extractPublicKey().toSPKIBytes(),
      bytes.count == keyInfo.count + 32, bytes.starts(with: keyInfo)
    else { return nil }
    return Cryptography.PublicKey(bytes.dropFirst(keyInfo.count))
  }

  /// TLS 1.3 for the side that accepts; it asks the other side for its certificate.
  func serverContext() throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: [.certificate(certificate)], privateKey: .privateKey(privateKey))
    Self.harden(&configuration)
    return try NIOSSLContext(configuration: configuration)
  }

  /// TLS 1.3 for the side that connects.
  func clientContext() throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.certificateChain = [.certificate(certificate)]
    configuration.privateKey = .privateKey(privateKey)
    Self.harden(&configuration)
    return try NIOSSLContext(configuration: configuration)
  }

  private static func harden(_ configuration: inout TLSConfiguration) {
    configuration.minimumTLSVersion = .tlsv13
    configuration.certificateVerification = .noHostnameVerification
    configuration.trustRoots = .certificates([])
    // BoringSSL offers Ed25519 only where it is named.
    configuration.signingSignatureAlgorithms = [.ed25519]
    configuration.verifySignatureAlgorithms = [.ed25519]
    configuration.applicationProtocols = ["larder-transfer/1"]
    // GOODBYE ends a conversation; a peer that hangs does not hold up the end of the program.
    configuration.shutdownTimeout = .milliseconds(250)
  }
}

/// The key that the other side of a TLS handshake showed, and the check of it.
final class PeerKeyPin: Sendable {
  private let expected: Cryptography.PublicKey?
  private let shown = Mutex<Cryptography.PublicKey?>(nil)

  /// Accepts only `expected`; with nil any node key.
  init(expecting expected: Cryptography.PublicKey? = nil) {
    self.expected = expected
  }

  /// Of a conversation whose other side has proven its key already.
  init(proven key: Cryptography.PublicKey) {
    expected = key
    shown.withLock { $0 = key }
  }

  /// The key of the other side once the handshake is done.
  var key: Cryptography.PublicKey? { shown.withLock { $0 } }

  /// Judges the certificates; the handshake itself proves that the other side has the secret key.
  func verify(
    _ certificates: [NIOSSLCertificate], _ promise: EventLoopPromise<NIOSSLVerificationResult>
  ) {
    guard let first = certificates.first, let key = NodeIdentity.key(of: first),
      expected == nil || key == expected
    else { return promise.succeed(.failed) }
    shown.withLock { $0 = key }
    promise.succeed(.certificateVerified)
  }
}
