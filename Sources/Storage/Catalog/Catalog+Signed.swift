import Cryptography
public import Trust
public import Wire

extension StoredStatement {
  /// A signed statement as the catalog keeps it.
  public init(_ signed: SignedStatement) {
    self.init(
      fingerprint: signed.statement.fingerprint.bytes, issuer: signed.issuer.bytes,
      root: signed.statement.root, sequence: signed.statement.sequence,
      expires: signed.statement.expires, encoded: signed.encoded)
  }
}

extension Catalog {
  /// Keeps statements that were verified.
  public func keep(_ statements: [SignedStatement]) async throws {
    try await keep(statements.map { StoredStatement($0) })
  }

  /// The statements about a fingerprint, verified again; what an altered database holds is left out.
  public func signedStatements(
    of fingerprint: Fingerprint, now: Timestamp
  ) async throws -> [SignedStatement] {
    try await statements(of: fingerprint.bytes, now: now).compactMap { stored in
      guard let signed = try? SignedStatement(verifying: stored.encoded, now: now),
        signed.statement.fingerprint == fingerprint
      else { return nil }
      return signed
    }
  }
}
