public import Cryptography
public import Wire

/// Why bytes are not a statement that may be stored or judged.
public enum StatementError: Error, Equatable, Sendable {
  /// The envelope or its signature is wrong.
  case record(SignedRecord.VerifyError)
  /// The record is of another kind.
  case wrongKind
  /// The body is no encoded statement, or this field is not of its form.
  case malformed(field: String)
  /// The body's version is not known here.
  case unknownVersion(UInt32)
  /// It ended.
  case expired(Timestamp)
  /// It was signed further in the future than clocks may differ.
  case futureDated(Timestamp)
  /// It claims a longer life than `Limits.statementLife`, in seconds.
  case lifeTooLong(Int64)
}

extension StatementError: CustomStringConvertible {
  /// One line for the user.
  public var description: String {
    switch self {
    case .record(.tooLarge(let count, let limit)): "\(count) bytes, more than \(limit)"
    case .record(.malformed): "not a signed record"
    case .record(.badSignature): "the signature is wrong"
    case .wrongKind: "a record of another kind"
    case .malformed(let field): "\(field) is malformed"
    case .unknownVersion(let version): "version \(version) is not known here"
    case .expired(let time): "expired at \(time)"
    case .futureDated(let time): "dated in the future: \(time)"
    case .lifeTooLong(let seconds): "valid for \(seconds / 86_400) days, longer than allowed"
    }
  }
}
