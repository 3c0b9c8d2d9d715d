import Foundation
import GRDB
public import Wire

/// What became of a build that was asked for in the background.
public struct Notice: Sendable, Equatable {
  /// How it ended.
  public enum Outcome: String, Sendable, Codable {
    /// The package is here.
    case ready
    /// The build failed.
    case failed
  }

  /// The package's fingerprint.
  public let fingerprint: Bytes32
  /// `category/package-version`.
  public let cpv: String
  /// How it ended.
  public let outcome: Outcome
  /// A line for the user.
  public let message: String
  /// When it ended.
  public let created: Timestamp

  /// A notice of these parts.
  public init(
    fingerprint: Bytes32, cpv: String, outcome: Outcome, message: String, created: Timestamp
  ) {
    self.fingerprint = fingerprint
    self.cpv = cpv
    self.outcome = outcome
    self.message = message
    self.created = created
  }
}

extension Catalog {
  /// Notes what the next `larder` command shows; the oldest of more than 1,000 are dropped.
  public func post(_ notice: Notice) async throws {
    try await write { database in
      try database.execute(
        sql: """
          INSERT INTO notices (fingerprint, cpv, outcome, message, created) VALUES (?, ?, ?, ?, ?)
          """,
        arguments: [
          notice.fingerprint.column, notice.cpv, notice.outcome.rawValue,
          String(notice.message.prefix(2_000)), notice.created.seconds,
        ])
      try database.execute(
        sql: "DELETE FROM notices WHERE id <= (SELECT max(id) FROM notices) - 1000")
    }
  }

  /// The notices that nobody saw, oldest first; they count as shown from now on.
  public func takeNotices() async throws -> [Notice] {
    try await write { database in
      let sql = "SELECT * FROM notices WHERE shown = 0 ORDER BY id"
      let notices = try Row.fetchAll(database, sql: sql).map(Self.notice)
      try database.execute(sql: "UPDATE notices SET shown = 1 WHERE shown = 0")
      return notices
    }
  }

  /// The latest notices, shown or not, newest first.
  public func notices(limit: Int = 100) async throws -> [Notice] {
    try await read { database in
      let sql = "SELECT * FROM notices ORDER BY id DESC LIMIT ?"
      return try Row.fetchAll(database, sql: sql, arguments: [limit]).map(Self.notice)
    }
  }

  /// Keeps a small value under a name: saved contacts, the last index's time, …
  public func setState(_ name: String, to value: [UInt8]) async throws {
    try await write { database in
      try database.execute(
        sql: "INSERT OR REPLACE INTO states (name, value) VALUES (?, ?)",
        arguments: [name, Data(value)])
    }
  }

  /// The value kept under a name.
  public func state(_ name: String) async throws -> [UInt8]? {
    try await read { database in
      try Data.fetchOne(database, sql: "SELECT value FROM states WHERE name = ?", arguments: [name])
        .map(Array.init)
    }
  }

  /// Notes the version of a trust list; false, and nothing is noted, if a newer one was seen before.
  ///
  /// Whoever can replace the file with an old copy could bring back a revoked key otherwise.
  public func sawTrustList(_ name: String, version: UInt64) async throws -> Bool {
    try await write { database in
      let key = "trust-list-version:" + name
      let sql = "SELECT value FROM states WHERE name = ?"
      let known = try Data.fetchOne(database, sql: sql, arguments: [key])
        .flatMap { UInt64(String(decoding: $0, as: UTF8.self)) }
      if let known, known > version { return false }
      try database.execute(
        sql: "INSERT OR REPLACE INTO states (name, value) VALUES (?, ?)",
        arguments: [key, Data(String(version).utf8)])
      return true
    }
  }

  /// Adds to counters that outlive the process: hits, misses, …
  public func count(_ amounts: [String: Int64]) async throws {
    try await write { database in
      for (name, amount) in amounts {
        try database.execute(
          sql: """
            INSERT INTO counters (name, value) VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE SET value = value + excluded.value
            """,
          arguments: [name, amount])
      }
    }
  }

  /// All counters.
  public func counters() async throws -> [String: Int64] {
    try await read { database in
      var counters: [String: Int64] = [:]
      for row in try Row.fetchAll(database, sql: "SELECT name, value FROM counters") {
        counters[row.text("name")] = row["value"]
      }
      return counters
    }
  }

  private static func notice(_ row: Row) -> Notice {
    Notice(
      fingerprint: row.bytes32("fingerprint"), cpv: row.text("cpv"),
      outcome: Notice.Outcome(rawValue: row.text("outcome")) ?? .failed,
      message: row.text("message"), created: row.timestamp("created"))
  }
}
