import Cryptography
import DHT
import Wire

/// A signed value whose body is its key, its expiry and noise: all that the DHT looks at.
struct BenchStatement: Sendable {
  let key: Bytes32
  let issuer: PublicKey
  let bytes: [UInt8]

  /// Bytes of the envelope around a body: kind, signer, signature and the tags of all.
  private static let envelope = 105
  private static let head = 40

  init(size: Int, expires: Timestamp, using random: inout SplitMix64) throws {
    guard let signer = SigningKey(seed: Bytes32.random(using: &random).bytes) else {
      throw BenchError.noKey
    }
    key = Bytes32.random(using: &random)
    issuer = signer.publicKey
    var body = key.bytes
    body += withUnsafeBytes(of: expires.seconds.bigEndian) { Array($0) }
    while body.count < size - Self.envelope {
      body.append(UInt8.random(in: 0...255, using: &random))
    }
    do {
      bytes = try SignedRecord(signing: body, kind: .buildStatement, with: signer).encoded
    } catch {
      throw BenchError.badSize
    }
  }

  /// Checks such values as a node checks build statements: encoding, signature and time.
  struct Validator: RecordValidator {
    func validate(
      _ bytes: [UInt8], kind: RecordKind, now: Timestamp
    ) throws(RecordRejection) -> Record {
      let envelope: SignedRecord
      do {
        envelope = try SignedRecord(verifying: bytes)
      } catch {
        throw error == .badSignature ? .badSignature : .malformed
      }
      let body = envelope.body
      guard envelope.kind == .buildStatement, body.count > head, let key = Bytes32(body[..<32])
      else { throw .malformed }
      let number = body[32..<head].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let expires = Timestamp(Int64(bitPattern: number))
      guard expires > now else { throw .expired }
      return Record(
        key: key, kind: .statement, publisher: envelope.signer, slot: .zero, sequence: 1,
        expires: expires, bytes: bytes)
    }
  }
}
