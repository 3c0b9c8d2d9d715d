public import Cryptography
import Foundation
import GRDB
public import Wire

/// A package that the binhost offers to Portage.
public struct StoredListing: Sendable, Equatable {
  /// The path below the binhost's directory.
  public let path: String
  /// The file.
  public let root: ContentRoot
  /// What it is a build of.
  public let fingerprint: Bytes32
  /// The index entry as `NAME: value` lines.
  public let entry: [UInt8]
  /// When it was first listed.
  public let listed: Timestamp

  /// A listing of these parts.
  public init(
    path: String, root: ContentRoot, fingerprint: Bytes32, entry: [UInt8], listed: Timestamp
  ) {
    self.path = path
    self.root = root
    self.fingerprint = fingerprint
    self.entry = entry
    self.listed = listed
  }
}

/// A listing with all that whoever judges it needs, but for the facts that it was planned with.
public struct ListedPackage: Sendable, Equatable {
  /// The listing.
  public let listing: StoredListing
  /// When its blob was used last; nil without the blob.
  public let lastUse: Timestamp?
  /// The signed bytes of the statements about its fingerprint that have not ended, by whatever issuer
  /// and about whatever file, in a fixed order.
  public internal(set) var statements: [[UInt8]]

  /// A package of these parts.
  public init(listing: StoredListing, lastUse: Timestamp?, statements: [[UInt8]]) {
    self.listing = listing
    self.lastUse = lastUse
    self.statements = statements
  }
}

extension Catalog {
  /// Lists one more package, or renews its entry; `facts` is what it was planned with.
  ///
  /// Call it before the index is written, so that nothing that Portage can see is ever unprotected.
  public func list(_ listing: StoredListing, facts: [UInt8]) async throws {
    try await write { database in
      try Self.insert(listing, in: database)
      try database.execute(
        sql: "INSERT OR REPLACE INTO listed_facts (path, facts) VALUES (?, ?)",
        arguments: [listing.path, Data(facts)])
    }
  }

  /// Takes packages off the list; their blobs stay protected for a while.
  public func delist(_ roots: [ContentRoot], now: Timestamp) async throws {
    try await write { database in
      for root in roots {
        try database.execute(
          sql: "UPDATE listings SET delisted = ? WHERE root = ? AND delisted IS NULL",
          arguments: [now.seconds, root.column])
      }
    }
  }

  /// What is listed, in the order of the paths.
  public func listings() async throws -> [StoredListing] {
    try await read { database in
      let sql = "SELECT * FROM listings WHERE delisted IS NULL ORDER BY path"
      return try Row.fetchAll(database, sql: sql).map(Self.listing)
    }
  }

  /// How many packages are listed.
  public func listingCount() async throws -> Int {
    try await read { database in
      let sql = "SELECT count(*) FROM listings WHERE delisted IS NULL"
      return try Int.fetchOne(database, sql: sql) ?? 0
    }
  }

  /// Walks over what is listed, in the order of the paths; only one package is in memory at a time.
  ///
  /// `facts` reads what a package was planned with, which few who walk need; nil if it is not known.
  public func reduceListings<Result: Sendable>(
    into initial: Result, now: Timestamp,
    _ body:
      @escaping @Sendable (
        _ result: inout Result, _ package: ListedPackage, _ facts: () throws -> [UInt8]?
      ) throws -> Void
  ) async throws -> Result {
    try await read { database in
      let sql = """
        SELECT listings.*, blobs.last_use, statements.encoded FROM listings
        LEFT JOIN blobs ON blobs.root = listings.root
        LEFT JOIN statements ON statements.fingerprint = listings.fingerprint
          AND statements.expires > ?
        WHERE delisted IS NULL ORDER BY listings.path, statements.issuer, statements.root
        """
      let factsOf = try database.cachedStatement(
        sql: "SELECT facts FROM listed_facts WHERE path = ?")
      var result = initial
      var open: ListedPackage?
      func close(_ package: ListedPackage) throws {
        try body(&result, package) {
          try Data.fetchOne(factsOf, arguments: [package.listing.path]).map(Array.init)
        }
      }
      let rows = try Row.fetchCursor(database, sql: sql, arguments: [now.seconds])
      while let row = try rows.next() {
        let statement: Data? = row["encoded"]
        let statements = statement.map { [Array($0)] } ?? []
        if open?.listing.path == row.text("path") {
          open?.statements += statements
          continue
        }
        if let open { try close(open) }
        let lastUse: Int64? = row["last_use"]
        open = ListedPackage(
          listing: Self.listing(row), lastUse: lastUse.map { Timestamp($0) },
          statements: statements)
      }
      if let open { try close(open) }
      return result
    }
  }

  /// The paths of all that is listed, or was delisted and is not forgotten yet.
  public func listedPaths() async throws -> [String] {
    try await read { try String.fetchAll($0, sql: "SELECT path FROM listings") }
  }

  /// Forgets what was delisted before a time; returns how many.
  @discardableResult
  public func removeDelisted(before time: Timestamp) async throws -> Int {
    try await write { database in
      try database.execute(
        sql: "DELETE FROM listings WHERE delisted < ?", arguments: [time.seconds])
      let count = database.changesCount
      try database.execute(
        sql: "DELETE FROM listed_facts WHERE path NOT IN (SELECT path FROM listings)")
      return count
    }
  }

  private static func listing(_ row: Row) -> StoredListing {
    StoredListing(
      path: row.text("path"), root: row.root(), fingerprint: row.bytes32("fingerprint"),
      entry: row.bytes("entry"), listed: row.timestamp("listed"))
  }

  private static func insert(_ listing: StoredListing, in database: Database) throws {
    try database.execute(
      sql: """
        INSERT INTO listings (path, root, fingerprint, entry, listed) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (path) DO UPDATE SET
          root = excluded.root, fingerprint = excluded.fingerprint, entry = excluded.entry,
          listed = iif(delisted IS NULL, listed, excluded.listed), delisted = NULL
        """,
      arguments: [
        listing.path, listing.root.column, listing.fingerprint.column, Data(listing.entry),
        listing.listed.seconds,
      ])
  }
}
