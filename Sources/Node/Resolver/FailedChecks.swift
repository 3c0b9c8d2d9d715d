import Cryptography
import Storage
import Trust
import Wire

/// The claims whose files were opened before and are not what was stated.
struct FailedChecks: Sendable, Equatable {
  private var reasons: [Bytes32: [Bytes32: String]] = [:]

  /// What the catalog remembers.
  init(_ checks: [FailedCheck]) {
    for check in checks { reasons[check.issuer, default: [:]][check.claim] = check.reason }
  }

  /// Those of the statements whose claims failed, with what was wrong.
  func among(_ statements: some Sequence<SignedStatement>) -> [SignedStatement: String] {
    var failed: [SignedStatement: String] = [:]
    for statement in statements {
      guard let known = reasons[statement.issuer.bytes] else { continue }
      if let reason = known[statement.statement.claim] { failed[statement] = reason }
    }
    return failed
  }
}
