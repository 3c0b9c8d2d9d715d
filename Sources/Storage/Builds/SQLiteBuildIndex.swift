public import Builder
import Foundation
import GRDB
public import Trust
public import Wire

/// The build index of an embedded gateway: the tables `jobs` and `waiters` of the catalog.
///
/// SQLite has one writer at a time, so a compare-and-set is one conditional UPDATE.
public struct SQLiteBuildIndex: BuildIndex {
  private let catalog: Catalog

  /// The index in this catalog.
  public init(_ catalog: Catalog) {
    self.catalog = catalog
  }

  /// Stores a job unless its fingerprint is there already; returns the one that is.
  public func insert(_ job: Job) async throws -> Job? {
    let body = try Self.encoded(job)
    let present = try await catalog.write { database -> Data? in
      let sql = "SELECT body FROM jobs WHERE fingerprint = ?"
      let key = job.fingerprint.bytes.column
      if let body = try Data.fetchOne(database, sql: sql, arguments: [key]) { return body }
      try database.execute(
        sql: """
          INSERT INTO jobs (fingerprint, revision, phase, priority, submitted, due, body)
          VALUES (?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          key, Int64(clamping: job.revision), job.state.phase.rawValue, job.priority,
          job.submitted.seconds, job.due?.seconds, body,
        ])
      return nil
    }
    return try present.map(Self.decoded)
  }

  /// Replaces a job of the expected revision; false if it has another or is gone.
  public func replace(_ job: Job, expecting expected: UInt64) async throws -> Bool {
    let body = try Self.encoded(job)
    return try await catalog.write { database in
      try database.execute(
        sql: """
          UPDATE jobs SET revision = ?, phase = ?, priority = ?, submitted = ?, due = ?, body = ?
          WHERE fingerprint = ? AND revision = ?
          """,
        arguments: [
          Int64(clamping: job.revision), job.state.phase.rawValue, job.priority,
          job.submitted.seconds, job.due?.seconds, body, job.fingerprint.bytes.column,
          Int64(clamping: expected),
        ])
      return database.changesCount == 1
    }
  }

  /// The job of a fingerprint.
  public func job(_ fingerprint: Fingerprint) async throws -> Job? {
    try await catalog.read { database in
      let sql = "SELECT body FROM jobs WHERE fingerprint = ?"
      return try Data.fetchOne(database, sql: sql, arguments: [fingerprint.bytes.column])
    }.map(Self.decoded)
  }

  /// Jobs by phase or by due time.
  public func jobs(_ query: JobQuery, limit: Int) async throws -> [Job] {
    let bodies = try await catalog.read { database -> [Data] in
      switch query {
      case .phase(let phase):
        let sql = """
          SELECT body FROM jobs WHERE phase = ?
          ORDER BY priority DESC, submitted, fingerprint LIMIT ?
          """
        return try Data.fetchAll(database, sql: sql, arguments: [phase.rawValue, limit])
      case .due(let phase, let time):
        let sql = "SELECT body FROM jobs WHERE phase = ? AND due < ? ORDER BY due LIMIT ?"
        let arguments: StatementArguments = [phase.rawValue, time.seconds, limit]
        return try Data.fetchAll(database, sql: sql, arguments: arguments)
      }
    }
    return try bodies.map(Self.decoded)
  }

  /// Stores a waiter once.
  public func add(_ waiter: Waiter) async throws {
    try await catalog.write { try Self.insert(waiter, $0) }
  }

  /// Stores a request's waiters unless its owner would then wait for too many packages.
  public func admit(_ waiters: [Waiter], unfinishedAtMost limit: Int) async throws -> Bool {
    guard let first = waiters.first else { return true }
    do {
      try await catalog.write { database in
        for waiter in waiters { try Self.insert(waiter, database) }
        let sql = """
          SELECT count(*) FROM waiters LEFT JOIN jobs ON jobs.fingerprint = waiters.fingerprint
          WHERE owner = ? AND (phase IS NULL OR phase IN ('queued', 'leased')
            OR (batch = ? AND phase IN ('failed', 'cancelled')))
          """
        let arguments: StatementArguments = [first.owner, first.group]
        let open = try Int.fetchOne(database, sql: sql, arguments: arguments) ?? 0
        // Thrown, so that the transaction ends without a trace.
        guard open <= limit else { throw TooMany() }
      }
      return true
    } catch is TooMany {
      return false
    }
  }

  private struct TooMany: Error {}

  /// Forgets old waiters whose job has ended or never began.
  @discardableResult
  public func removeFinishedWaiters(since time: Timestamp) async throws -> Int {
    try await catalog.write { database in
      try database.execute(
        sql: """
          DELETE FROM waiters WHERE since < ? AND NOT EXISTS (
            SELECT 1 FROM jobs WHERE jobs.fingerprint = waiters.fingerprint
              AND phase IN ('queued', 'leased'))
          """,
        arguments: [time.seconds])
      return database.changesCount
    }
  }

  private static func insert(_ waiter: Waiter, _ database: Database) throws {
    try database.execute(
      sql: "INSERT OR IGNORE INTO waiters (fingerprint, owner, batch, since) VALUES (?, ?, ?, ?)",
      arguments: [
        waiter.fingerprint.bytes.column, waiter.owner, waiter.group, waiter.since.seconds,
      ])
  }

  /// Forgets a waiter.
  public func remove(_ waiter: Waiter) async throws {
    try await catalog.write { database in
      try database.execute(
        sql: "DELETE FROM waiters WHERE fingerprint = ? AND owner = ? AND batch = ?",
        arguments: [waiter.fingerprint.bytes.column, waiter.owner, waiter.group])
    }
  }

  /// Waiters by job, owner or request, oldest first.
  public func waiters(_ query: WaiterQuery, limit: Int) async throws -> [Waiter] {
    try await catalog.read { database in
      let condition: String
      var arguments: StatementArguments
      switch query {
      case .fingerprint(let fingerprint):
        condition = "fingerprint = ?"
        arguments = [fingerprint.bytes.column]
      case .owner(let owner):
        condition = "owner = ?"
        arguments = [owner]
      case .group(let group, let owner):
        condition = "owner = ? AND batch = ?"
        arguments = [owner, group]
      }
      arguments += [limit]
      let sql = """
        SELECT * FROM waiters WHERE \(condition) ORDER BY since, fingerprint, owner, batch LIMIT ?
        """
      return try Row.fetchAll(database, sql: sql, arguments: arguments).map { row in
        Waiter(
          fingerprint: Fingerprint(row.bytes32("fingerprint")), owner: row.text("owner"),
          group: row.text("batch"), since: row.timestamp("since"))
      }
    }
  }

  /// How many jobs are in each phase.
  public func counts() async throws -> [JobPhase: Int] {
    try await catalog.read { database in
      var counts: [JobPhase: Int] = [:]
      let sql = "SELECT phase, count(*) AS amount FROM jobs GROUP BY phase"
      for row in try Row.fetchAll(database, sql: sql) {
        guard let phase = JobPhase(rawValue: row.text("phase")) else { continue }
        counts[phase] = row["amount"]
      }
      return counts
    }
  }

  /// Forgets finished jobs that were submitted before a time and have no waiter; returns how many.
  @discardableResult
  public func removeFinished(submittedBefore time: Timestamp) async throws -> Int {
    try await catalog.write { database in
      try database.execute(
        sql: """
          DELETE FROM jobs WHERE phase IN ('built', 'failed', 'cancelled') AND submitted < ?
            AND NOT EXISTS (SELECT 1 FROM waiters WHERE waiters.fingerprint = jobs.fingerprint)
          """,
        arguments: [time.seconds])
      return database.changesCount
    }
  }

  private static func encoded(_ job: Job) throws -> Data {
    try JSONEncoder().encode(job)
  }

  private static func decoded(_ body: Data) throws -> Job {
    try JSONDecoder().decode(Job.self, from: body)
  }
}
