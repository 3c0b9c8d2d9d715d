public import Wire

/// Why a record is refused before it is kept or handed on.
public enum RecordRejection: Error, Equatable, Sendable {
  /// Not an encoded record of the kind asked for, or a field is outside its bound.
  case malformed
  /// The signature is not the signer's.
  case badSignature
  /// Its time is over.
  case expired
  /// Its creation lies further ahead than `Limits.clockSkew`.
  case futureDated
  /// It claims a longer life than its kind may have.
  case lifeTooLong
}

/// Checks records, so that the DHT needs to know nothing of packages.
public protocol RecordValidator: Sendable {
  /// The record in these bytes: signature, times and bounds checked; throws the reason if one fails.
  func validate(
    _ bytes: [UInt8], kind: RecordKind, now: Timestamp
  ) throws(RecordRejection) -> Record
}

/// Checks provider announcements itself and leaves statements to another validator.
public struct ProviderAwareValidator: RecordValidator {
  private let statements: any RecordValidator

  /// A validator that asks `statements` about build statements.
  public init(statements: any RecordValidator) {
    self.statements = statements
  }

  /// The record in these bytes.
  public func validate(
    _ bytes: [UInt8], kind: RecordKind, now: Timestamp
  ) throws(RecordRejection) -> Record {
    switch kind {
    case .statement:
      let record = try statements.validate(bytes, kind: kind, now: now)
      // A validator that mixed up the kinds would let statements sit in provider slots.
      guard record.kind == .statement, record.bytes == bytes else { throw .malformed }
      return record
    case .provider:
      return try ProviderRecord(verifying: bytes, now: now).record
    }
  }
}
