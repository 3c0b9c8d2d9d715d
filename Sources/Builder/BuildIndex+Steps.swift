public import Trust
public import Wire

/// What goes wrong with an index itself.
public enum BuildIndexError: Error, Sendable, Equatable {
  /// Others changed the job so often meanwhile that this step never fitted.
  case contended(Fingerprint)
  /// There is no job of this fingerprint.
  case unknown(Fingerprint)
}

extension BuildIndex {
  /// Asks for a build and notes who waits; two requests for one fingerprint share one job.
  ///
  /// Returns the job as it stands. Cancelled midway, the job may be there without the waiter.
  public func submit(
    _ request: BuildRequest, for waiter: Waiter, priority: Int = 0, now: Timestamp
  ) async throws -> Job {
    try await add(waiter)
    let fresh = Job(request, priority: priority, now: now)
    if try await insert(fresh) == nil { return fresh }
    do {
      return try await step(request.fingerprint) { $0.submit(priority: priority, now: now) }.job
    } catch BuildIndexError.unknown {
      return try await insert(fresh) ?? fresh
    }
  }

  /// Gives the job to a worker if it is still queued; nil if it is not.
  public func claim(
    _ fingerprint: Fingerprint, by worker: String, now: Timestamp, settings: BuildSettings
  ) async throws -> (job: Job, lease: Lease)? {
    var lease: Lease?
    do {
      let job = try await step(fingerprint) { job in
        lease = try? job.claim(by: worker, now: now, settings: settings)
        return lease != nil
      }.job
      return lease.map { (job, $0) }
    } catch BuildIndexError.unknown {
      return nil
    }
  }

  /// Extends a lease and appends its lines.
  public func heartbeat(
    _ fingerprint: Fingerprint, fence: UInt64, lines: [String], now: Timestamp,
    settings: BuildSettings
  ) async throws -> WorkerOrder {
    var order = WorkerOrder.lost
    do {
      _ = try await step(fingerprint) { job in
        order = job.heartbeat(fence: fence, lines: lines, now: now, settings: settings)
        return order != .lost
      }
    } catch BuildIndexError.unknown {
      return .lost
    }
    return order
  }

  /// Stores a checked result; throws `Job.Refusal` if the fence is not current.
  public func complete(
    _ fingerprint: Fingerprint, fence: UInt64, result: BuildResult, now: Timestamp
  ) async throws -> Job.Completion {
    var completion = Job.Completion.repeated
    _ = try await step(fingerprint) { job in
      completion = try job.complete(fence: fence, result: result, now: now)
      return completion != .repeated
    }
    return completion
  }

  /// Notes that a build failed; throws `Job.Refusal` if the fence is not current.
  public func fail(
    _ fingerprint: Fingerprint, fence: UInt64, message: String, lines: [String], now: Timestamp,
    settings: BuildSettings
  ) async throws {
    _ = try await step(fingerprint) { job in
      let before = job.revision
      try job.fail(fence: fence, message: message, lines: lines, now: now, settings: settings)
      return job.revision != before
    }
  }

  /// Queues a job again that its worker hands back unbuilt; throws `Job.Refusal` if the fence is
  /// not current.
  public func release(
    _ fingerprint: Fingerprint, fence: UInt64, now: Timestamp
  ) async throws -> Job {
    try await step(fingerprint) { job in
      try job.release(fence: fence, now: now)
      return true
    }.job
  }

  /// Takes a waiter away and gives the job up if it was the last one.
  public func withdraw(_ waiter: Waiter, now: Timestamp) async throws {
    try await remove(waiter)
    guard try await waiters(.fingerprint(waiter.fingerprint), limit: 1).isEmpty else { return }
    do {
      _ = try await step(waiter.fingerprint) { $0.cancel(now: now) }
    } catch BuildIndexError.unknown {
      return
    }
  }

  /// Ends at most `limit` leases that are over; returns the jobs that are queued again.
  public func sweep(
    now: Timestamp, limit: Int = 100, settings: BuildSettings
  ) async throws -> [Job] {
    var queued: [Job] = []
    for job in try await jobs(.due(.leased, before: now + .seconds(1)), limit: limit) {
      do {
        let swept = try await step(job.fingerprint) { $0.sweep(now: now, settings: settings) }
        if swept.changed, swept.job.state.phase == .queued { queued.append(swept.job) }
      } catch BuildIndexError.unknown {
        continue
      }
    }
    return queued
  }

  /// Reads the job, lets `body` change it (returning whether it did) and replaces it; again from
  /// the start when another was faster, at most 50 times.
  private func step(
    _ fingerprint: Fingerprint, _ body: (inout Job) throws -> Bool
  ) async throws -> (job: Job, changed: Bool) {
    for _ in 0..<50 {
      guard var job = try await job(fingerprint) else { throw BuildIndexError.unknown(fingerprint) }
      let expected = job.revision
      guard try body(&job) else { return (job, false) }
      if try await replace(job, expecting: expected) { return (job, true) }
    }
    throw BuildIndexError.contended(fingerprint)
  }
}
