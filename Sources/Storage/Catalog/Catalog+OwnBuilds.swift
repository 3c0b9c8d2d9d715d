public import Cryptography
import Foundation
import GRDB
public import Wire

/// A build of this machine that was published and is signed again before its statement ends.
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
  /// When the statement ends.
  public let expires: Timestamp

  /// A build of these parts.
  public init(
    root: ContentRoot, fingerprint: Bytes32, cpv: String, path: String, facts: [UInt8],
    statement: [UInt8], published: Timestamp, expires: Timestamp
  ) {
    self.root = root
    self.fingerprint = fingerprint
    self.cpv = cpv
    self.path = path
    self.facts = facts
    self.statement = statement
    self.published = published
    self.expires = expires
  }
}

extension Catalog {
  /// Keeps a published build; a new statement about the same file replaces the former.
  public func keep(_ build: OwnBuild) async throws {
    try await write { database in
      try database.execute(
        sql: """
          INSERT INTO own_builds
            (root, fingerprint, cpv, path, facts, statement, published, expires)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (root) DO UPDATE SET
            fingerprint = excluded.fingerprint, cpv = excluded.cpv, path = excluded.path,
            facts = excluded.facts, statement = excluded.statement,
            expires = excluded.expires
          """,
        arguments: [
          build.root.column, build.fingerprint.column, build.cpv, build.path, Data(build.facts),
          Data(build.statement), build.published.seconds, build.expires.seconds,
        ])
    }
  }

  /// The published builds whose statements end before `first` or after `last`, soonest first.
  public func ownBuilds(
    endingBefore first: Timestamp, orAfter last: Timestamp, limit: Int = 1_000
  ) async throws -> [OwnBuild] {
    try await read { database in
      let sql = """
        SELECT * FROM own_builds WHERE expires < ? OR expires > ? ORDER BY expires, root LIMIT ?
        """
      let arguments: StatementArguments = [first.seconds, last.seconds, limit]
      return try Row.fetchAll(database, sql: sql, arguments: arguments).map(Self.build)
    }
  }

  /// What the published builds are builds of, and the files that they are.
  public func ownBuildNames() async throws -> [(fingerprint: Bytes32, root: ContentRoot)] {
    try await read { database in
      try Row.fetchAll(database, sql: "SELECT fingerprint, root FROM own_builds ORDER BY root")
        .map { ($0.bytes32("fingerprint"), $0.root()) }
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
      published: row.timestamp("published"), expires: row.timestamp("expires"))
  }
}
