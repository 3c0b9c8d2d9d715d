import Foundation
import GRDB
public import Wire

/// A build that was fetched and opened, and is not what its issuer stated.
public struct FailedCheck: Sendable, Equatable {
  /// The issuer's key.
  public let issuer: Bytes32
  /// What the issuer claimed: it stays the same when a statement is only renewed.
  public let claim: Bytes32
  /// What was wrong, naming the field.
  public let reason: String
  /// When the statement ends, and with it the memory of this.
  public let expires: Timestamp

  /// A failed check of these parts.
  public init(issuer: Bytes32, claim: Bytes32, reason: String, expires: Timestamp) {
    self.issuer = issuer
    self.claim = claim
    self.reason = reason
    self.expires = expires
  }
}

extension Catalog {
  /// The failed checks that are remembered; beyond it the oldest are forgotten.
  public static let mostFailedChecks = 1_000
  /// The longest reason that is kept, in characters.
  static let longestReason = 1_000

  /// Remembers a failed check of the package `name` and counts it against the issuer; false, and
  /// nothing is counted again, if the same claim failed before.
  @discardableResult
  public func note(
    _ check: FailedCheck, of name: String, now: Timestamp
  ) async throws -> Bool {
    try await write { database in
      // A memory that has ended is no memory.
      try database.execute(
        sql: "DELETE FROM failed_checks WHERE issuer = ? AND claim = ? AND expires <= ?",
        arguments: [check.issuer.column, check.claim.column, now.seconds])
      let reason = String(check.reason.prefix(Self.longestReason))
      try database.execute(
        sql: """
          INSERT INTO failed_checks (issuer, claim, reason, expires) VALUES (?, ?, ?, ?)
          ON CONFLICT (issuer, claim) DO NOTHING
          """,
        arguments: [check.issuer.column, check.claim.column, reason, check.expires.seconds])
      guard database.changesCount == 1 else { return false }
      try database.execute(
        sql: """
          DELETE FROM failed_checks WHERE id NOT IN (
            SELECT id FROM failed_checks ORDER BY id DESC LIMIT ?)
          """,
        arguments: [Self.mostFailedChecks])
      try Self.countFault(
        of: check.issuer, reason: "\(name): \(check.reason)", now: now, in: database)
      return true
    }
  }

  /// The failed checks whose statements have not ended, the latest first.
  public func failedChecks(now: Timestamp) async throws -> [FailedCheck] {
    try await read { database in
      let sql = "SELECT * FROM failed_checks WHERE expires > ? ORDER BY id DESC"
      return try Row.fetchAll(database, sql: sql, arguments: [now.seconds]).map { row in
        FailedCheck(
          issuer: row.bytes32("issuer"), claim: row.bytes32("claim"), reason: row.text("reason"),
          expires: row.timestamp("expires"))
      }
    }
  }

  /// Counts a build of this issuer that failed the check of the package.
  private static func countFault(
    of issuer: Bytes32, reason: String, now: Timestamp, in database: Database
  ) throws {
    try database.execute(
      sql: """
        INSERT INTO issuer_faults (issuer, faults, last, reason) VALUES (?, 1, ?, ?)
        ON CONFLICT (issuer) DO UPDATE SET
          faults = faults + 1, last = excluded.last, reason = excluded.reason
        """,
      arguments: [issuer.column, now.seconds, String(reason.prefix(longestReason))])
  }

  /// The issuers whose builds failed, worst first.
  public func issuerFaults() async throws -> [IssuerFaults] {
    try await read { database in
      let sql = "SELECT * FROM issuer_faults ORDER BY faults DESC, issuer LIMIT 100"
      return try Row.fetchAll(database, sql: sql).map { row in
        IssuerFaults(
          issuer: row.bytes32("issuer"), count: row["faults"], last: row.timestamp("last"),
          reason: row.text("reason"))
      }
    }
  }
}

/// How often an issuer's builds failed the check of the package.
public struct IssuerFaults: Sendable, Equatable {
  /// The issuer's key.
  public let issuer: Bytes32
  /// How often.
  public let count: Int
  /// When last.
  public let last: Timestamp
  /// What was wrong the last time.
  public let reason: String
}
