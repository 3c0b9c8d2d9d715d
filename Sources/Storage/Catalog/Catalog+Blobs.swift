public import Cryptography
import Foundation
import GRDB
public import Wire

/// What the catalog knows about a complete blob.
public struct CataloguedBlob: Sendable, Equatable {
  /// The blob's name.
  public let root: ContentRoot
  /// The blob's size in bytes.
  public let size: UInt64
  /// When it was fetched, used or served last.
  public let lastUse: Timestamp
  /// Whether the owner wants it kept whatever the quota says.
  public let isPinned: Bool
}

extension Catalog {
  /// Brings the table in line with the blobs on disk, which are the truth; returns how many rows
  /// were added and dropped.
  @discardableResult
  public func synchronize(
    with blobs: [ContentRoot: UInt64], now: Timestamp
  ) async throws -> (added: Int, dropped: Int) {
    try await write { database in
      var known: Set<ContentRoot> = []
      var dropped = 0
      for row in try Row.fetchAll(database, sql: "SELECT root, size FROM blobs") {
        let root = row.root()
        if blobs[root] == row.number("size") {
          known.insert(root)
        } else {
          try database.execute(sql: "DELETE FROM blobs WHERE root = ?", arguments: [root.column])
          dropped += 1
        }
      }
      var added = 0
      for (root, size) in blobs where !known.contains(root) {
        try Self.insert(root, size: size, now: now, in: database)
        added += 1
      }
      return (added, dropped)
    }
  }

  /// Notes a blob that became complete; one that is known counts as used.
  public func add(_ root: ContentRoot, size: UInt64, now: Timestamp) async throws {
    try await write { try Self.insert(root, size: size, now: now, in: $0) }
  }

  /// Notes that blobs were used or served.
  public func touch(_ roots: [ContentRoot], now: Timestamp) async throws {
    try await write { database in
      for root in roots {
        try database.execute(
          sql: "UPDATE blobs SET last_use = max(last_use, ?) WHERE root = ?",
          arguments: [now.seconds, root.column])
      }
    }
  }

  /// Pins a blob, or lets the quota have it again; false if it is unknown.
  @discardableResult
  public func setPinned(_ isPinned: Bool, _ root: ContentRoot) async throws -> Bool {
    try await write { database in
      try database.execute(
        sql: "UPDATE blobs SET pinned = ? WHERE root = ?", arguments: [isPinned, root.column])
      return database.changesCount == 1
    }
  }

  /// Forgets a blob that was removed.
  public func forget(_ root: ContentRoot) async throws {
    try await write { database in
      try database.execute(sql: "DELETE FROM blobs WHERE root = ?", arguments: [root.column])
    }
  }

  /// The names of the complete blobs.
  public func blobRoots() async throws -> [ContentRoot] {
    try await read { database in
      try Row.fetchAll(database, sql: "SELECT root FROM blobs ORDER BY root").map { $0.root() }
    }
  }

  /// What is known about a blob.
  public func blob(_ root: ContentRoot) async throws -> CataloguedBlob? {
    try await read { database in
      try Row.fetchOne(
        database, sql: "SELECT * FROM blobs WHERE root = ?", arguments: [root.column]
      ).map(Self.blob)
    }
  }

  /// How many blobs there are and how many bytes they have.
  public func blobTotals() async throws -> (count: Int, bytes: UInt64) {
    try await read { database in
      let sql = "SELECT count(*) AS amount, coalesce(sum(size), 0) AS bytes FROM blobs"
      guard let row = try Row.fetchOne(database, sql: sql) else { return (0, 0) }
      return (Int(clamping: row.number("amount")), row.number("bytes"))
    }
  }

  /// The blobs that a quota may take: not pinned, not used since `usedBefore`, not listed now and
  /// not delisted after `delistedBefore`. Least recently used first, but own builds after all others:
  /// our statements promise them.
  func evictable(
    usedBefore: Timestamp, delistedBefore: Timestamp
  ) async throws -> [CataloguedBlob] {
    try await read { database in
      let sql = """
        SELECT * FROM blobs WHERE pinned = 0 AND last_use < ? AND NOT EXISTS (
          SELECT 1 FROM listings WHERE listings.root = blobs.root
            AND (delisted IS NULL OR delisted > ?))
        ORDER BY EXISTS (SELECT 1 FROM own_builds WHERE own_builds.root = blobs.root),
          last_use, root
        """
      let arguments: StatementArguments = [usedBefore.seconds, delistedBefore.seconds]
      return try Row.fetchAll(database, sql: sql, arguments: arguments).map(Self.blob)
    }
  }

  private static func insert(
    _ root: ContentRoot, size: UInt64, now: Timestamp, in database: Database
  ) throws {
    try database.execute(
      sql: """
        INSERT INTO blobs (root, size, added, last_use) VALUES (?, ?, ?, ?)
        ON CONFLICT (root) DO UPDATE SET last_use = max(last_use, excluded.last_use)
        """,
      arguments: [root.column, Int64(bitPattern: size), now.seconds, now.seconds])
  }

  private static func blob(_ row: Row) -> CataloguedBlob {
    CataloguedBlob(
      root: row.root(), size: row.number("size"), lastUse: row.timestamp("last_use"),
      isPinned: row["pinned"])
  }
}
