public import Trust
public import Wire

/// The truth about all jobs: a table with put-if-absent and compare-and-set, nothing more.
///
/// What a job may do is `Job`'s business, so that every index (SQLite, DynamoDB, memory) behaves
/// alike; the extension's verbs are loops of read, step, replace.
public protocol BuildIndex: Sendable {
  /// Stores `job` unless its fingerprint is there already; returns the one that is.
  func insert(_ job: Job) async throws -> Job?

  /// Stores `job` if the stored one has the revision `expected`; false if it has another or is
  /// gone. The caller has already raised `job.revision`.
  func replace(_ job: Job, expecting expected: UInt64) async throws -> Bool

  /// The job of this fingerprint, read after all writes that returned.
  func job(_ fingerprint: Fingerprint) async throws -> Job?

  /// At most `limit` jobs that the query selects, in the query's order.
  func jobs(_ query: JobQuery, limit: Int) async throws -> [Job]

  /// Stores a waiter; the same fingerprint, owner and group again changes nothing.
  func add(_ waiter: Waiter) async throws

  /// Stores the waiters of one owner's request, or none: false if the owner would then wait for more
  /// than `limit` packages. One step, so that two requests at once don't both pass.
  ///
  /// Counted are the owner's waiters whose job is queued, leased or not there yet, and those of this
  /// request whose job failed or was cancelled, since asking begins it anew.
  func admit(_ waiters: [Waiter], unfinishedAtMost limit: Int) async throws -> Bool

  /// Forgets waiters from before a time whose job is not queued or leased; returns how many.
  func removeFinishedWaiters(since time: Timestamp) async throws -> Int

  /// Forgets the waiter with this fingerprint, owner and group, if it is there.
  func remove(_ waiter: Waiter) async throws

  /// At most `limit` waiters that the query selects, oldest first.
  func waiters(_ query: WaiterQuery, limit: Int) async throws -> [Waiter]
}

/// Which jobs an index should return.
public enum JobQuery: Sendable, Equatable, Hashable {
  /// Jobs in a phase: highest priority first, then oldest `submitted`, then by fingerprint.
  case phase(JobPhase)
  /// Jobs in a phase whose `due` time is before the given one, earliest `due` first.
  case due(JobPhase, before: Timestamp)
}
