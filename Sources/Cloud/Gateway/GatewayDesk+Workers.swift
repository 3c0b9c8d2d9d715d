import Builder
import CoreMetrics
import Logging
import Trust
import Wire

// The worker's side.
extension GatewayDesk {
  /// A job that fits the offer; nil if none came up in time.
  func lease(_ offer: WorkerOffer, waiting: Duration) async throws -> LeasedJob? {
    let end = ContinuousClock.now + min(max(.zero, waiting), settings.longestWait)
    for await _ in bell.rings() {
      if let job = try await leaseNow(offer) { return job }
      if ContinuousClock.now >= end { return nil }
    }
    throw CancellationError()
  }

  private func leaseNow(_ offer: WorkerOffer) async throws -> LeasedJob? {
    for _ in 0..<16 {
      let now = hooks.now()
      let deliveries = try await queue.receive(limit: 1, hidden: .seconds(2), now: now)
      guard let delivery = deliveries.first else { return nil }
      let fingerprint = delivery.ring.fingerprint
      guard let job = try await index.job(fingerprint), case .queued = job.state else {
        try await queue.acknowledge(delivery.receipt)
        continue
      }
      guard offer.fits(job.request) else { continue }
      let claim = try await index.claim(
        fingerprint, by: offer.name, now: now, settings: settings.builds)
      try await queue.acknowledge(delivery.receipt)
      guard let claim else { continue }
      rings[fingerprint] = nil
      metrics.leased.increment()
      bell.ring()
      return LeasedJob(
        lease: claim.lease, request: claim.job.request,
        heartbeatSeconds: Int(settings.builds.heartbeat.components.seconds))
    }
    return nil
  }

  func heartbeat(
    _ fingerprint: Fingerprint, fence: UInt64, lines: [String]
  ) async throws -> Messages.Order {
    let now = hooks.now()
    let order = try await index.heartbeat(
      fingerprint, fence: fence, lines: lines, now: now, settings: settings.builds)
    if !lines.isEmpty { bell.ring() }
    return Messages.Order(order: order, until: (now + settings.builds.lease).seconds)
  }

  /// Where the upload of this lease goes; throws if the lease isn't current.
  func uploadPath(_ fingerprint: Fingerprint, fence: UInt64) async throws -> String {
    _ = try await current(fingerprint, fence: fence)
    return staging.path(fingerprint.bytes.hex, fence: fence)
  }

  /// Checks the upload of a lease and makes it the job's result; `built` are the facts of its build.
  func complete(
    _ fingerprint: Fingerprint, fence: UInt64, built: PackageFacts
  ) async throws -> Job.Completion {
    guard let present = try await index.job(fingerprint) else {
      throw GatewayRefusal.unknown("job \(fingerprint)")
    }
    if case .built = present.state, present.fence == fence { return .repeated }
    let job = try await current(fingerprint, fence: fence)
    guard checking.insert(fingerprint).inserted else { throw GatewayRefusal.busy }
    defer { checking.remove(fingerprint) }
    let path = staging.path(fingerprint.bytes.hex, fence: fence)
    let accepted: AcceptedBuild
    do {
      accepted = try await check(path, built, job.request, fence: fence)
    } catch let refusal as ResultRefused {
      let message = "the result was refused: \(refusal.reason)"
      log.warning(
        "result refused",
        metadata: ["cpv": "\(job.request.cpv)", "reason": "\(BuildLog.clean(refusal.reason))"])
      await staging.remove(path)
      try await fail(fingerprint, fence: fence, message: message, lines: [])
      throw GatewayRefusal.refusedResult(BuildLog.clean(message))
    }
    await staging.remove(path)
    let now = hooks.now()
    let result = BuildResult(
      statement: accepted.statement, root: accepted.root, size: accepted.size, accepted: now,
      expires: accepted.expires)
    let completion = try await step {
      try await index.complete(fingerprint, fence: fence, result: result, now: now)
    }
    metrics.built.increment()
    log.info(
      "package built", metadata: ["cpv": "\(job.request.cpv)", "root": "\(accepted.root)"])
    bell.ring()
    return completion
  }

  func fail(
    _ fingerprint: Fingerprint, fence: UInt64, message: String, lines: [String]
  ) async throws {
    try await step {
      try await index.fail(
        fingerprint, fence: fence, message: message, lines: lines, now: hooks.now(),
        settings: settings.builds)
    }
    await staging.remove(staging.path(fingerprint.bytes.hex, fence: fence))
    metrics.failed.increment()
    bell.ring()
  }

  func release(_ fingerprint: Fingerprint, fence: UInt64) async throws {
    let now = hooks.now()
    let job = try await step {
      try await index.release(fingerprint, fence: fence, now: now)
    }
    await staging.remove(staging.path(fingerprint.bytes.hex, fence: fence))
    if case .queued = job.state { try await ring(for: job, now: now) }
    bell.ring()
  }

  /// Runs the node's checks while the lease is kept alive. The stated facts come first: a build of
  /// something else needs no look at the file.
  private func check(
    _ path: String, _ built: PackageFacts, _ request: BuildRequest, fence: UInt64
  ) async throws -> AcceptedBuild {
    let build: FinishedBuild
    do {
      build = try FinishedBuild(built, of: request)
    } catch {
      throw ResultRefused(error.description)
    }
    let (index, hooks, builds) = (index, hooks, settings.builds)
    return try await withThrowingTaskGroup(of: AcceptedBuild?.self) { group in
      group.addTask { try await hooks.accept(path, build) }
      group.addTask {
        while true {
          try await Task.sleep(for: builds.heartbeat)
          _ = try await index.heartbeat(
            request.fingerprint, fence: fence, lines: [], now: hooks.now(), settings: builds)
        }
      }
      defer { group.cancelAll() }
      guard let accepted = try await group.next() ?? nil else { throw CancellationError() }
      return accepted
    }
  }

  /// The job if this fence holds it, with its lease extended.
  private func current(_ fingerprint: Fingerprint, fence: UInt64) async throws -> Job {
    let order = try await index.heartbeat(
      fingerprint, fence: fence, lines: [], now: hooks.now(), settings: settings.builds)
    guard order != .lost, let job = try await index.job(fingerprint) else {
      throw GatewayRefusal.lost("the lease is over")
    }
    return job
  }

  private func step<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch is Job.Refusal {
      throw GatewayRefusal.lost("the lease is over")
    } catch BuildIndexError.unknown(let fingerprint) {
      throw GatewayRefusal.unknown("job \(fingerprint)")
    }
  }
}
