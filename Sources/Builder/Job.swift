public import Trust
public import Wire

/// One build that was asked for, from the first request to its result: a state machine.
///
/// An index stores it whole and replaces it under compare-and-set on `revision`; so each verb here
/// is one atomic step, and late, duplicated or reordered calls are answered by fence and state.
public struct Job: Sendable, Equatable, Codable {
  /// The job's name: the fingerprint of the requested package.
  public let fingerprint: Fingerprint
  /// What to build.
  public let request: BuildRequest
  /// When it was first asked for.
  public let submitted: Timestamp
  /// Higher goes first.
  public private(set) var priority: Int
  /// Where it stands.
  public private(set) var state: JobState
  /// The number of the last claim; grows by one with each.
  public private(set) var fence: UInt64 = 0
  /// How many claims the present round had; a request after a failure begins a new round.
  public private(set) var attempts = 0
  /// What the build printed last.
  public private(set) var log = BuildLog()
  /// How many workers delivered another result for the same fingerprint after the first.
  public private(set) var conflicts = 0
  /// Grows by one with each step; an index compares it.
  public private(set) var revision: UInt64 = 1

  /// A queued job.
  public init(_ request: BuildRequest, priority: Int = 0, now: Timestamp) {
    fingerprint = request.fingerprint
    self.request = request
    self.priority = priority
    submitted = now
    state = .queued(since: now)
  }

  /// When time alone changes the state: the lease's end, the end of a failure's memory; for a
  /// queued job, since when it waits. Nil for finished ones.
  public var due: Timestamp? {
    switch state {
    case .queued(let since): since
    case .leased(let lease, _): lease.until
    case .failed(let failure): failure.until
    case .built, .cancelled: nil
    }
  }

  /// Why a worker's call was refused.
  public enum Refusal: Error, Sendable, Equatable {
    /// The job is in another state than the call needs.
    case notQueued(JobPhase)
    /// The fence is not the current lease's, or the lease has ended.
    case lost(fence: UInt64, current: UInt64)
    /// Nobody wants the result any more.
    case cancelled
  }
}

extension Job {
  /// Somebody asks for it once more: a cancelled, an expired or a failed and forgotten job is
  /// queued again, a cancelling one goes on, and the higher priority counts. Returns whether
  /// anything changed.
  public mutating func submit(priority: Int, now: Timestamp) -> Bool {
    let before = self
    self.priority = max(self.priority, priority)
    switch state {
    case .queued: break
    case .built(let result): if result.expires <= now { begin(now) }
    case .leased(let lease, _): state = .leased(lease, cancelling: false)
    case .cancelled: begin(now)
    case .failed(let failure): if failure.until <= now { begin(now) }
    }
    guard self != before else { return false }
    revision += 1
    return true
  }

  /// Gives a queued job to a worker; the fence grows.
  public mutating func claim(
    by worker: String, now: Timestamp, settings: BuildSettings
  ) throws(Refusal) -> Lease {
    guard case .queued = state else { throw .notQueued(state.phase) }
    fence += 1
    attempts += 1
    revision += 1
    let lease = Lease(
      fingerprint: fingerprint, fence: fence, worker: BuildLog.clean(worker),
      until: now + settings.lease)
    state = .leased(lease, cancelling: false)
    log.append(["larder: worker \(lease.worker) began, attempt \(attempts)"])
    return lease
  }

  /// The holder of `fence` lives and printed these lines; returns what it should do next.
  public mutating func heartbeat(
    fence: UInt64, lines: [String], now: Timestamp, settings: BuildSettings
  ) -> WorkerOrder {
    guard case .leased(let lease, let cancelling) = state, lease.fence == fence, now < lease.until
    else { return .lost }
    revision += 1
    log.append(lines.suffix(BuildLog.linesPerHeartbeat))
    state = .leased(lease.extended(until: now + settings.lease), cancelling: cancelling)
    return cancelling ? .cancel : .continue
  }

  /// The holder of `fence` delivered a checked result.
  ///
  /// The same root again is fine whoever brings it; another root for a job that is built is
  /// counted as a conflict and changes nothing else.
  public mutating func complete(
    fence: UInt64, result: BuildResult, now: Timestamp
  ) throws(Refusal) -> Completion {
    switch state {
    case .built(let first):
      if first.root == result.root { return .repeated }
      conflicts += 1
      revision += 1
      return .conflict
    case .leased(let lease, _):
      guard lease.fence == fence, now < lease.until else {
        throw .lost(fence: fence, current: self.fence)
      }
      state = .built(result)
      revision += 1
      log.append(["larder: built"])
      return .accepted
    case .queued, .failed, .cancelled:
      throw .lost(fence: fence, current: self.fence)
    }
  }

  /// What became of a delivered result.
  public enum Completion: Sendable, Equatable {
    /// It is the job's result.
    case accepted
    /// It equals the result that is there.
    case repeated
    /// Another result was there first.
    case conflict
  }

  /// The holder of `fence` could not build it; remembered for a while.
  public mutating func fail(
    fence: UInt64, message: String, lines: [String], now: Timestamp, settings: BuildSettings
  ) throws(Refusal) {
    guard case .leased(let lease, let cancelling) = state, lease.fence == fence, now < lease.until
    else {
      if case .failed = state, fence == self.fence { return }
      throw .lost(fence: fence, current: self.fence)
    }
    log.append(lines.suffix(BuildLog.linesPerHeartbeat))
    revision += 1
    if cancelling {
      state = .cancelled(at: now)
    } else {
      end(failing: message, now, settings)
    }
  }

  /// The worker hands the job back unbuilt through no fault of the package (it shuts down).
  public mutating func release(fence: UInt64, now: Timestamp) throws(Refusal) {
    guard case .leased(let lease, let cancelling) = state, lease.fence == fence else {
      throw .lost(fence: fence, current: self.fence)
    }
    revision += 1
    attempts = max(0, attempts - 1)
    state = cancelling ? .cancelled(at: now) : .queued(since: now)
  }

  /// Nobody waits any more: a queued job is given up, a leased one tells its worker at the next
  /// heartbeat. Returns whether anything changed.
  public mutating func cancel(now: Timestamp) -> Bool {
    switch state {
    case .queued: state = .cancelled(at: now)
    case .leased(let lease, false): state = .leased(lease, cancelling: true)
    case .leased(_, true), .built, .failed, .cancelled: return false
    }
    revision += 1
    return true
  }

  /// Lets time pass: an ended lease queues the job again, or fails it after too many workers
  /// vanished. Returns whether anything changed.
  public mutating func sweep(now: Timestamp, settings: BuildSettings) -> Bool {
    guard case .leased(let lease, let cancelling) = state, lease.until <= now else { return false }
    revision += 1
    log.append(["larder: worker \(lease.worker) vanished"])
    if cancelling {
      state = .cancelled(at: now)
    } else if attempts >= settings.attempts {
      end(failing: "\(attempts) workers vanished while they built it", now, settings)
    } else {
      state = .queued(since: now)
    }
    return true
  }

  private mutating func begin(_ now: Timestamp) {
    state = .queued(since: now)
    attempts = 0
    log = BuildLog(first: log.next)
  }

  private mutating func end(failing message: String, _ now: Timestamp, _ settings: BuildSettings) {
    state = .failed(
      BuildFailure(message: message, failed: now, until: now + settings.remembersFailure))
  }
}
