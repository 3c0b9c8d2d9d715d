public import Builder
import GRDB
import Trust
public import Wire

/// The doorbell of an embedded gateway: the table `rings` of the catalog.
///
/// A receipt names the message and the number of its delivery; an outlived one acknowledges nothing.
public struct SQLiteJobQueue: JobQueue {
  /// The most messages that wait; beyond that the oldest go, since the index is the truth.
  static let capacity = 100_000

  private let catalog: Catalog

  /// The queue in this catalog.
  public init(_ catalog: Catalog) {
    self.catalog = catalog
  }

  /// Puts a message in.
  public func ring(_ ring: Ring) async throws {
    try await catalog.write { database in
      try database.execute(
        sql: "INSERT INTO rings (fingerprint, priority, attempt, visible) VALUES (?, ?, ?, ?)",
        arguments: [ring.fingerprint.bytes.column, ring.priority, ring.attempt, Int64.min])
      try database.execute(
        sql: "DELETE FROM rings WHERE id <= ?",
        arguments: [database.lastInsertedRowID - Int64(Self.capacity)])
    }
  }

  /// Takes visible messages, highest priority first, and hides them for a while.
  public func receive(
    limit: Int, hidden: Duration, now: Timestamp
  ) async throws -> [Delivery] {
    // A worker asks again and again; only a message is worth a writing transaction.
    let waiting = try await catalog.read { database in
      let sql = "SELECT EXISTS (SELECT 1 FROM rings WHERE visible <= ?)"
      return try Bool.fetchOne(database, sql: sql, arguments: [now.seconds]) ?? false
    }
    guard waiting else { return [] }
    return try await catalog.write { database in
      let sql = "SELECT * FROM rings WHERE visible <= ? ORDER BY priority DESC, id LIMIT ?"
      let arguments: StatementArguments = [now.seconds, limit]
      var deliveries: [Delivery] = []
      for row in try Row.fetchAll(database, sql: sql, arguments: arguments) {
        let id: Int64 = row["id"]
        let number: Int64 = row["deliveries"]
        try database.execute(
          sql: "UPDATE rings SET visible = ?, deliveries = ? WHERE id = ?",
          arguments: [(now + hidden).seconds, number + 1, id])
        let ring = Ring(
          fingerprint: Fingerprint(row.bytes32("fingerprint")), priority: row["priority"],
          attempt: row["attempt"])
        deliveries.append(Delivery(ring: ring, receipt: "\(id).\(number + 1)"))
      }
      return deliveries
    }
  }

  /// Removes a delivered message for good.
  public func acknowledge(_ receipt: String) async throws {
    let parts = receipt.split(separator: ".")
    guard parts.count == 2, let id = Int64(parts[0]), let number = Int64(parts[1]) else { return }
    try await catalog.write { database in
      try database.execute(
        sql: "DELETE FROM rings WHERE id = ? AND deliveries = ?", arguments: [id, number])
    }
  }
}
