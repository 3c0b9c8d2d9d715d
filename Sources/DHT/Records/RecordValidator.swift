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
