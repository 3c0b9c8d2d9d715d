public import Cryptography
import Foundation
import GRDB
public import Wire

/// A build of this machine that was published and is announced again before its records end.
public struct OwnBuild: Sendable, Equatable {
  /// The file's name in the network.
  public let root: ContentRoot
  /// What it is a build of.
  public let fingerprint: Bytes32
  /// `category/package-version`.
  public let cpv: String
  /// Where the package was found.
  public let path: String
  /// The facts as JSON.
  public let facts: [UInt8]
  /// The signed statement.
  public let statement: [UInt8]
  /// When it was first published.
  public let published: Timestamp
  /// When it was last announced.
  public let announced: Timestamp

  /// A build of these parts, announced when it was published.
  public init(
    root: ContentRoot, fingerprint: Bytes32, cpv: String, path: String, facts: [UInt8],
    statement: [UInt8], published: Timestamp, announced: Timestamp? = nil
  ) {
    self.root = root
    self.fingerprint = fingerprint
    self.cpv = cpv
    self.path = path
    self.facts = facts
    self.statement = statement
    self.published = published
    self.announced = announced ?? published
  }
}

extension Catalog {
  /// Keeps a published build; a new statement about the same file replaces the former.
  public func keep(_ build: OwnBuild) async throws {
    try await write { database in
      try database.execute(
        sql: """
          INSERT INTO own_builds
            (root, fingerprint, cpv, path, facts, statement, published, announced)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (root) DO UPDATE SET
            fingerprint = excluded.fingerprint, cpv = excluded.cpv, path = excluded.path,
            facts = excluded.facts, statement = excluded.statement,
            announced = excluded.announced
          """,
        arguments: [
          build.root.column, build.fingerprint.column, build.cpv, build.path, Data(build.facts),
          Data(build.statement), build.published.seconds, build.announced.seconds,
        ])
    }
  }

  /// The published builds that were last announced before a time, longest ago first.
  public func ownBuilds(
    announcedBefore time: Timestamp, limit: Int = 1_000
  ) async throws -> [OwnBuild] {
    try await read { database in
      let sql = "SELECT * FROM own_builds WHERE announced < ? ORDER BY announced, root LIMIT ?"
      return try Row.fetchAll(database, sql: sql, arguments: [time.seconds, limit]).map(Self.build)
    }
  }

  /// The published build with this file.
  public func ownBuild(_ root: ContentRoot) async throws -> OwnBuild? {
    try await read { database in
      try Row.fetchOne(
        database, sql: "SELECT * FROM own_builds WHERE root = ?", arguments: [root.column]
      ).map(Self.build)
    }
  }

  /// The published builds of one package version.
  public func ownBuilds(of cpv: String) async throws -> [OwnBuild] {
    try await read { database in
      let sql = "SELECT * FROM own_builds WHERE cpv = ? ORDER BY published, root LIMIT 1000"
      return try Row.fetchAll(database, sql: sql, arguments: [cpv]).map(Self.build)
    }
  }

  /// Notes that builds were announced.
  public func announced(_ roots: [ContentRoot], now: Timestamp) async throws {
    try await write { database in
      for root in roots {
        try database.execute(
          sql: "UPDATE own_builds SET announced = ? WHERE root = ?",
          arguments: [now.seconds, root.column])
      }
    }
  }

  /// Forgets a build that is not to be announced again; false if it is unknown.
  @discardableResult
  public func forgetOwnBuild(_ root: ContentRoot) async throws -> Bool {
    try await write { database in
      try database.execute(sql: "DELETE FROM own_builds WHERE root = ?", arguments: [root.column])
      return database.changesCount == 1
    }
  }

  private static func build(_ row: Row) -> OwnBuild {
    OwnBuild(
      root: row.root(), fingerprint: row.bytes32("fingerprint"), cpv: row.text("cpv"),
      path: row.text("path"), facts: row.bytes("facts"), statement: row.bytes("statement"),
      published: row.timestamp("published"), announced: row.timestamp("announced"))
  }
}
