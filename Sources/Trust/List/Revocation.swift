public import Cryptography
import FoundationEssentials
public import Wire

/// Someone's word that a key must not be trusted from a time on.
public struct Revocation: Sendable, Hashable {
  /// The key that is revoked.
  public var key: PublicKey
  /// From when on nothing signed with it counts.
  ///
  /// What it signed before doesn't count either once that time has come: whoever stole a key can
  /// date a statement back.
  public var from: Timestamp
  /// Why, in at most 200 bytes.
  public var reason: String

  /// The longest reason, in bytes.
  public static let longestReason = 200

  /// A revocation of `key`.
  public init(key: PublicKey, from: Timestamp, reason: String = "") {
    self.key = key
    self.from = from
    self.reason = reason
  }
}

/// A revocation with its signature.
public struct SignedRevocation: Sendable, Hashable {
  /// Why bytes are no revocation.
  public enum VerifyError: Error, Equatable, Sendable {
    /// The envelope or its signature is wrong.
    case record(SignedRecord.VerifyError)
    /// The record is of another kind.
    case wrongKind
    /// The body is not of its form, or the reason is too long.
    case malformed
  }

  /// What is said.
  public let revocation: Revocation
  /// The signed envelope.
  public let record: SignedRecord

  /// Who says it.
  public var signer: PublicKey { record.signer }
  /// The bytes to send and to store.
  public var encoded: [UInt8] { record.encoded }

  /// Signs a revocation; throws if the reason is too long.
  public static func sign(
    _ revocation: Revocation, with key: SigningKey
  ) throws(VerifyError) -> SignedRevocation {
    guard revocation.reason.utf8.count <= Revocation.longestReason else { throw .malformed }
    var body = Larder_RevocationBody()
    body.version = 1
    body.revoked = .init(revocation.key.bytes.bytes)
    body.from = revocation.from.seconds
    body.reason = revocation.reason
    do {
      let record = try SignedRecord(
        signing: ProtobufCodec.encode(body), kind: .revocation, with: key)
      return SignedRevocation(revocation: revocation, record: record)
    } catch {
      throw .record(error)
    }
  }

  private init(revocation: Revocation, record: SignedRecord) {
    self.revocation = revocation
    self.record = record
  }

  /// The revocation in these bytes, its signature checked.
  ///
  /// Whether the signer may revoke the key is for `TrustList.add(_:)` to say.
  public init(verifying bytes: [UInt8]) throws(VerifyError) {
    do {
      record = try SignedRecord(verifying: bytes)
    } catch {
      throw .record(error)
    }
    guard record.kind == .revocation else { throw .wrongKind }
    guard
      let body = try? ProtobufCodec.decode(
        Larder_RevocationBody.self, from: record.body, limit: Limits.record),
      body.version == 1, let key = PublicKey(body.revoked),
      body.reason.utf8.count <= Revocation.longestReason
    else { throw .malformed }
    revocation = Revocation(key: key, from: Timestamp(body.from), reason: body.reason)
  }
}
