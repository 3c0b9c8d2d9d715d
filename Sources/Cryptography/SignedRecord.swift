import FoundationEssentials
import Wire

/// The envelope of everything that is signed: kind, signer, the exact bytes of the body, signature.
public struct SignedRecord: Sendable, Equatable, Hashable {
  /// What the body holds.
  public enum Kind: Int, Sendable, CaseIterable {
    /// A `BuildStatementBody`.
    case buildStatement = 1
    /// A `ProviderBody`.
    case provider = 2
    /// A `RevocationBody`.
    case revocation = 3

    /// The context string that the signature covers beside the body.
    var context: String {
      switch self {
      case .buildStatement: "larder build statement 1"
      case .provider: "larder provider 1"
      case .revocation: "larder revocation 1"
      }
    }
  }

  /// Why bytes are not a valid signed record.
  public enum VerifyError: Error, Equatable, Sendable {
    /// Over `Limits.record`.
    case tooLarge(Int, limit: Int)
    /// Not the encoding of a record with a known kind, a 32-byte signer and a 64-byte signature.
    case malformed
    /// The signature is not the signer's over these bytes.
    case badSignature
  }

  /// What the body holds.
  public let kind: Kind
  /// Who signed.
  public let signer: PublicKey
  /// The signed bytes.
  public let body: [UInt8]
  /// The encoded envelope as it is sent and stored: nobody encodes it anew.
  public let encoded: [UInt8]

  /// Signs a body; throws if the envelope is over `Limits.record`.
  public init(
    signing body: [UInt8], kind: Kind, with key: SigningKey
  ) throws(VerifyError) {
    var message = Larder_SignedRecord()
    message.kind = Larder_SignedRecord.Kind(rawValue: kind.rawValue) ?? .unspecified
    message.signer = .init(key.publicKey.bytes.bytes)
    message.body = .init(body)
    message.signature = .init(key.sign(body, context: kind.context))
    encoded = ProtobufCodec.encode(message)
    guard encoded.count <= Limits.record else {
      throw .tooLarge(encoded.count, limit: Limits.record)
    }
    self.kind = kind
    signer = key.publicKey
    self.body = body
  }

  /// The record in these bytes, its signature checked.
  ///
  /// A record has one encoding: fields in order, none unknown, nothing after them. Otherwise whoever
  /// passes it on could make any number of copies that differ and are all validly signed.
  public init(verifying bytes: [UInt8]) throws(VerifyError) {
    guard bytes.count <= Limits.record else {
      throw .tooLarge(bytes.count, limit: Limits.record)
    }
    guard
      let message = try? ProtobufCodec.decode(
        Larder_SignedRecord.self, from: bytes, limit: Limits.record),
      let kind = Kind(rawValue: message.kind.rawValue), let signer = PublicKey(message.signer),
      message.signature.count == 64, ProtobufCodec.encode(message) == bytes
    else { throw .malformed }
    let body = [UInt8](message.body)
    guard signer.verify([UInt8](message.signature), of: body, context: kind.context) else {
      throw .badSignature
    }
    self.kind = kind
    self.signer = signer
    self.body = body
    encoded = bytes
  }
}
