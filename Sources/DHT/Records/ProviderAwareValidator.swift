public import Wire

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
