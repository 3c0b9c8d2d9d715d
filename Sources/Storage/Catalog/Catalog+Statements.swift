public import Cryptography
import Foundation
import GRDB
public import Wire

/// A build statement as it came, with what it is found by.
public struct StoredStatement: Sendable, Hashable {
  /// What it is a build of.
  public let fingerprint: Bytes32
  /// Who signed it.
  public let issuer: Bytes32
  /// The file that it speaks of.
  public let root: ContentRoot
  /// Its place among the issuer's statements about this file.
  public let sequence: UInt64
  /// When it ends.
  public let expires: Timestamp
  /// The signed bytes.
  public let encoded: [UInt8]

  /// A statement of these parts.
  public init(
    fingerprint: Bytes32, issuer: Bytes32, root: ContentRoot, sequence: UInt64,
    expires: Timestamp, encoded: [UInt8]
  ) {
    self.fingerprint = fingerprint
    self.issuer = issuer
    self.root = root
    self.sequence = sequence
    self.expires = expires
    self.encoded = encoded
  }
}

extension Catalog {
  /// Keeps statements; of two about one file by one issuer the one with the higher sequence stays.
  public func keep(_ statements: [StoredStatement]) async throws {
    try await write { database in
      for statement in statements {
        try database.execute(
          sql: """
            INSERT INTO statements (fingerprint, issuer, root, sequence, expires, encoded)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (fingerprint, issuer, root) DO UPDATE SET
              sequence = excluded.sequence, expires = excluded.expires, encoded = excluded.encoded
            WHERE excluded.sequence > sequence
            """,
          arguments: [
            statement.fingerprint.column, statement.issuer.column, statement.root.column,
            Int64(clamping: statement.sequence), statement.expires.seconds,
            Data(statement.encoded),
          ])
      }
    }
  }

  /// The statements about a fingerprint, tombstones included, that have not ended.
  public func statements(
    of fingerprint: Bytes32, now: Timestamp
  ) async throws -> [StoredStatement] {
    try await statements(where: "fingerprint", is: fingerprint, now: now)
  }

  /// The statements about a file that have not ended.
  public func statements(
    about root: ContentRoot, now: Timestamp
  ) async throws -> [StoredStatement] {
    try await statements(where: "root", is: root.bytes, now: now)
  }

  /// The statements of an issuer that have not ended: what a revocation touches.
  public func statements(
    by issuer: Bytes32, now: Timestamp, limit: Int = 10_000
  ) async throws -> [StoredStatement] {
    try await statements(where: "issuer", is: issuer, now: now, limit: limit)
  }

  /// Removes what has ended, failed checks included; returns how many statements.
  @discardableResult
  public func removeEndedStatements(now: Timestamp) async throws -> Int {
    try await write { database in
      try database.execute(
        sql: "DELETE FROM failed_checks WHERE expires <= ?", arguments: [now.seconds])
      try database.execute(
        sql: "DELETE FROM statements WHERE expires <= ?", arguments: [now.seconds])
      return database.changesCount
    }
  }

  /// How many statements are kept.
  public func statementCount() async throws -> Int {
    try await read { try Int.fetchOne($0, sql: "SELECT count(*) FROM statements") ?? 0 }
  }

  private func statements(
    where column: String, is value: Bytes32, now: Timestamp, limit: Int = 10_000
  ) async throws -> [StoredStatement] {
    try await read { database in
      let sql = """
        SELECT * FROM statements WHERE \(column) = ? AND expires > ?
        ORDER BY fingerprint, issuer, root LIMIT ?
        """
      let arguments: StatementArguments = [value.column, now.seconds, limit]
      return try Row.fetchAll(database, sql: sql, arguments: arguments).map { row in
        StoredStatement(
          fingerprint: row.bytes32("fingerprint"), issuer: row.bytes32("issuer"),
          root: row.root(), sequence: row.number("sequence"), expires: row.timestamp("expires"),
          encoded: row.bytes("encoded"))
      }
    }
  }
}
