import Cryptography
import Trust
import Wire

/// The blobs that a seeder wants: which are fetched now, and when each of the others is tried.
///
/// What failed waits ever longer and may take half of the places only, so that blobs whose providers
/// don't answer never hold up the others.
struct SeedQueue: Sendable {
  /// The bounds and times.
  struct Settings: Sendable {
    /// Blobs that are fetched at once.
    var width = 4
    /// Of these, how many may have failed before.
    var retries = 2
    /// Blobs that may wait at once; more are left to the next round of their publisher.
    var capacity = 10_000
    /// How often a blob is tried that can't be fetched.
    var tries = 20
    /// The wait before a new blob is tried: its announcement may come after its statement.
    var first = Duration.seconds(2)
    /// The wait after the first failure, which doubles with each, and the longest.
    var pauses = Duration.seconds(4)...Duration.seconds(600)
  }

  private struct Entry: Sendable {
    let statement: SignedStatement
    var tries = 0
    var due: Instant
  }

  private let settings: Settings
  /// What was never tried, in the order in which it came.
  private var fresh: [ContentRoot] = []
  /// What waits, fresh or failed.
  private var waiting: [ContentRoot: Entry] = [:]
  private var failed: Set<ContentRoot> = []
  private var running: [ContentRoot: Entry] = [:]
  /// What is fetched although nobody wants it any more.
  private var dropped: Set<ContentRoot> = []

  init(_ settings: Settings = Settings()) {
    self.settings = settings
  }

  /// Takes a blob in; false if it is known or there is no room.
  @discardableResult
  mutating func add(_ statement: SignedStatement, at now: Instant) -> Bool {
    let root = statement.statement.root
    dropped.remove(root)
    guard waiting[root] == nil, running[root] == nil, waiting.count < settings.capacity else {
      return false
    }
    waiting[root] = Entry(statement: statement, due: now + settings.first)
    fresh.append(root)
    return true
  }

  /// Wants a blob no longer.
  mutating func drop(_ root: ContentRoot) {
    if running[root] != nil { dropped.insert(root) }
    if waiting.removeValue(forKey: root) != nil, failed.remove(root) == nil {
      fresh.removeAll { $0 == root }
    }
  }

  /// The next blob to fetch now, which counts as running from here on; nil if none may.
  mutating func next(at now: Instant) -> SignedStatement? {
    guard running.count < settings.width, let root = candidate(at: now),
      let entry = waiting.removeValue(forKey: root)
    else { return nil }
    if failed.remove(root) == nil { fresh.removeFirst() }
    running[root] = entry
    return entry.statement
  }

  /// When `next` may have something that it doesn't have now, unless a fetch ends before; nil if not.
  var nextDeadline: Instant? {
    guard running.count < settings.width else { return nil }
    var due = fresh.first.flatMap { waiting[$0]?.due }
    if mayRetry, let other = firstFailed?.due { due = min(due ?? other, other) }
    return due
  }

  /// Notes how a fetch ended; false if nobody wants the blob any more.
  mutating func finish(_ root: ContentRoot, isFetched: Bool, at now: Instant) -> Bool {
    let isWanted = dropped.remove(root) == nil
    guard var entry = running.removeValue(forKey: root) else { return isWanted }
    guard isWanted, !isFetched else { return isWanted }
    entry.tries += 1
    guard entry.tries < settings.tries else { return true }
    var pause = settings.pauses.lowerBound
    for _ in 1..<entry.tries where pause < settings.pauses.upperBound { pause *= 2 }
    entry.due = now + min(pause, settings.pauses.upperBound)
    waiting[root] = entry
    failed.insert(root)
    return true
  }

  private var mayRetry: Bool {
    let retried = running.values.count { $0.tries > 0 }
    return retried < settings.retries
  }

  private var firstFailed: (root: ContentRoot, due: Instant)? {
    var first: (root: ContentRoot, due: Instant)?
    for root in failed {
      guard let due = waiting[root]?.due else { continue }
      if let known = first, (known.due, known.root) <= (due, root) { continue }
      first = (root, due)
    }
    return first
  }

  private func candidate(at now: Instant) -> ContentRoot? {
    if let root = fresh.first, let due = waiting[root]?.due, due <= now { return root }
    if mayRetry, let first = firstFailed, first.due <= now { return first.root }
    return nil
  }
}
