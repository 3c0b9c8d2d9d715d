public import Builder
public import Trust
public import Wire

/// A build index in memory, which can be told to let others win a step.
public actor MemoryBuildIndex: BuildIndex {
  private var jobs: [Fingerprint: Job] = [:]
  private var waiting: [Waiter] = []
  private var rivals = 0

  /// An empty index.
  public init() {}

  /// Refuses the next `count` replacements as if another had changed the job meanwhile.
  public func interfere(_ count: Int) {
    rivals = count
  }

  /// All jobs.
  public var all: [Job] { Array(jobs.values) }

  /// Stores the job unless it is there.
  public func insert(_ job: Job) -> Job? {
    if let present = jobs[job.fingerprint] { return present }
    jobs[job.fingerprint] = job
    return nil
  }

  /// Replaces the job of this revision.
  public func replace(_ job: Job, expecting expected: UInt64) -> Bool {
    if rivals > 0 {
      rivals -= 1
      return false
    }
    guard jobs[job.fingerprint]?.revision == expected else { return false }
    jobs[job.fingerprint] = job
    return true
  }

  /// The job of this fingerprint.
  public func job(_ fingerprint: Fingerprint) -> Job? {
    jobs[fingerprint]
  }

  /// Jobs by phase or due time.
  public func jobs(_ query: JobQuery, limit: Int) -> [Job] {
    var found: [Job]
    switch query {
    case .phase(let phase):
      found = jobs.values.filter { $0.state.phase == phase }
      found.sort { left, right in
        if left.priority != right.priority { return left.priority > right.priority }
        if left.submitted != right.submitted { return left.submitted < right.submitted }
        return left.fingerprint.bytes < right.fingerprint.bytes
      }
    case .due(let phase, let time):
      found = jobs.values.filter { job in
        guard job.state.phase == phase, let due = job.due else { return false }
        return due < time
      }
      found.sort { ($0.due ?? $0.submitted) < ($1.due ?? $1.submitted) }
    }
    return Array(found.prefix(limit))
  }

  /// Stores a waiter once.
  public func add(_ waiter: Waiter) {
    if !waiting.contains(where: { Self.isSame($0, waiter) }) { waiting.append(waiter) }
  }

  /// Stores a request's waiters unless its owner would then wait for too many packages.
  public func admit(_ waiters: [Waiter], unfinishedAtMost limit: Int) -> Bool {
    guard let first = waiters.first else { return true }
    let before = waiting
    for waiter in waiters { add(waiter) }
    let open = waiting.filter { waiter in
      guard waiter.owner == first.owner else { return false }
      switch jobs[waiter.fingerprint]?.state.phase {
      case .queued, .leased, nil: return true
      case .failed, .cancelled: return waiter.group == first.group
      case .built: return false
      }
    }
    if open.count > limit { waiting = before }
    return open.count <= limit
  }

  /// Forgets old waiters whose job has ended or never began.
  public func removeFinishedWaiters(since time: Timestamp) -> Int {
    let before = waiting.count
    waiting.removeAll { waiter in
      let phase = jobs[waiter.fingerprint]?.state.phase
      return waiter.since < time && phase != .queued && phase != .leased
    }
    return before - waiting.count
  }

  /// Forgets a waiter.
  public func remove(_ waiter: Waiter) {
    waiting.removeAll { Self.isSame($0, waiter) }
  }

  /// Waiters by job, owner or group.
  public func waiters(_ query: WaiterQuery, limit: Int) -> [Waiter] {
    var found: [Waiter]
    switch query {
    case .fingerprint(let fingerprint): found = waiting.filter { $0.fingerprint == fingerprint }
    case .owner(let owner): found = waiting.filter { $0.owner == owner }
    case .group(let group, let owner):
      found = waiting.filter { $0.group == group && $0.owner == owner }
    }
    found.sort { $0.since < $1.since }
    return Array(found.prefix(limit))
  }

  private static func isSame(_ left: Waiter, _ right: Waiter) -> Bool {
    left.fingerprint == right.fingerprint && left.owner == right.owner && left.group == right.group
  }
}
