import Foundation
import GRDB
public import Wire

/// What this node knows, in one SQLite database: blobs, statements, own builds, listings, notices,
/// build jobs and small states.
///
/// The files are the truth about blobs; the catalog adds when they were used and what they are. A lost
/// or damaged catalog therefore costs no blob: `synchronize(with:now:)` learns them again. Every verb
/// is one transaction; a cancelled call leaves all of it or nothing.
public final class Catalog: Sendable {
  /// How the start went.
  public enum Opening: Sendable, Equatable {
    /// The database was sound, or new.
    case sound
    /// The database was damaged and moved to `path`; a new one was begun.
    case movedAside(path: String, reason: String)

    /// A sentence for the log; nil if all is well.
    public var message: String? {
      switch self {
      case .sound: nil
      case .movedAside(let path, let reason):
        "the catalog was damaged (\(reason)); it was moved to \(path) and begun anew from the blobs"
      }
    }
  }

  /// How the start went.
  public let opening: Opening
  /// The database's file.
  public let path: String

  let database: DatabasePool
  /// Where tests let the disk be full.
  package let faults = CatalogFaults()

  /// Opens or makes `larder.sqlite` in `directory`, checks it, and moves a damaged one aside.
  ///
  /// Blocks. Throws `CatalogError` or `FileError` if there is no room or no right to write.
  public convenience init(directory: String, now: Timestamp) throws {
    try self.init(path: directory + "/larder.sqlite", now: now)
  }

  init(path: String, now: Timestamp) throws {
    self.path = path
    let files = FileSystem()
    try files.makeDirectory(FileSystem.parent(of: path))
    do {
      database = try Self.open(path)
      opening = .sound
    } catch CatalogError.damaged(let reason) {
      var aside = "\(path).damaged-\(now.seconds)"
      for number in 1...100 where files.size(of: aside) != nil {
        aside = "\(path).damaged-\(now.seconds)-\(number)"
      }
      try files.rename(path, to: aside)
      // The journal belongs to the damaged file; a new database must not replay it.
      for suffix in ["-wal", "-shm"] where files.size(of: path + suffix) != nil {
        try files.rename(path + suffix, to: aside + suffix)
      }
      database = try Self.open(path)
      opening = .movedAside(path: aside, reason: reason)
    }
  }

  private static func open(_ path: String) throws -> DatabasePool {
    var configuration = Configuration()
    configuration.label = "larder.catalog"
    configuration.maximumReaderCount = 2
    configuration.busyMode = .timeout(5)
    configuration.prepareDatabase { database in
      // 1 MiB of page cache a connection: a node at rest stays small.
      try database.execute(sql: "PRAGMA cache_size = -1024")
    }
    return try mapped {
      let pool = try DatabasePool(path: path, configuration: configuration)
      let verdict = try pool.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
      guard verdict == "ok" else { throw CatalogError.damaged(verdict ?? "no answer") }
      try CatalogSchema.migrator.migrate(pool)
      return pool
    }
  }

  /// Flushes the journal and closes; other verbs throw afterwards.
  public func close() throws {
    try Self.mapped {
      _ = try database.writeWithoutTransaction { try $0.checkpoint(.truncate) }
      try database.close()
    }
  }

  /// Runs one reading transaction.
  func read<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value {
    do {
      return try await database.read(body)
    } catch let error as DatabaseError {
      throw CatalogError(error)
    }
  }

  /// Runs one writing transaction.
  func write<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value {
    if let fault = faults.onWrite { throw fault }
    do {
      return try await database.write(body)
    } catch let error as DatabaseError {
      throw CatalogError(error)
    }
  }

  private static func mapped<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError {
      throw CatalogError(error)
    }
  }
}
