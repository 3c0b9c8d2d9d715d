import Cryptography
import DHT
import Trust
import Wire

/// Tells the DHT what a build statement is, so that the DHT needs to know nothing of packages.
struct StatementValidator: RecordValidator {
  func validate(
    _ bytes: [UInt8], kind: RecordKind, now: Timestamp
  ) throws(RecordRejection) -> Record {
    let signed: SignedStatement
    do {
      signed = try SignedStatement(verifying: bytes)
    } catch {
      throw Self.rejection(error)
    }
    if let problem = signed.problem(at: now) { throw Self.rejection(problem) }
    let statement = signed.statement
    return Record(
      key: statement.fingerprint.bytes, kind: .statement, publisher: signed.issuer,
      slot: statement.root.bytes, sequence: statement.sequence, expires: statement.expires,
      isTombstone: statement.isWithdrawn, bytes: bytes)
  }

  private static func rejection(_ error: StatementError) -> RecordRejection {
    switch error {
    case .record(.badSignature): .badSignature
    case .expired: .expired
    case .futureDated: .futureDated
    case .lifeTooLong: .lifeTooLong
    default: .malformed
    }
  }
}
