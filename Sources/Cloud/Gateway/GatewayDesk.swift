import Builder
import CoreMetrics
import Logging
import Trust
import Wire

/// What a gateway does, without HTTP: requests on one side, leases on the other.
actor GatewayDesk {
  let index: any BuildIndex
  let queue: any JobQueue
  let settings: GatewaySettings
  let hooks: GatewayHooks
  let staging: StagingArea
  nonisolated let bell = ChangeBell()
  let metrics = GatewayMetrics()
  let log: Logger
  private var checking: Set<Fingerprint> = []
  private var rings: [Fingerprint: RingSchedule] = [:]
  /// When waiters of finished jobs were forgotten last.
  private var forgotten = Timestamp(0)
  /// How long an asker may ask how its finished request ended.
  private static let remembersWaiters = Duration.seconds(7 * 86_400)

  private struct RingSchedule {
    var next: Timestamp
    var interval: Duration
  }

  init(
    index: any BuildIndex, queue: any JobQueue, settings: GatewaySettings, hooks: GatewayHooks,
    log: Logger
  ) {
    self.index = index
    self.queue = queue
    self.settings = settings
    self.hooks = hooks
    self.log = log
    staging = StagingArea(directory: settings.staging, limit: settings.uploadLimit)
  }
}

// The asker's side.
extension GatewayDesk {
  /// Takes a request; every package gets an answer of its own, in the order asked.
  func submit(_ message: Messages.Submit, owner: String) async throws -> Messages.Submitted {
    guard Messages.isGroup(message.group) else {
      throw GatewayRefusal.malformed("group must be 8 to 64 letters, digits or hyphens")
    }
    guard message.packages.count <= Messages.packagesPerRequest else {
      throw GatewayRefusal.malformed(
        "more than \(Messages.packagesPerRequest) packages in one request")
    }
    let now = hooks.now()
    var requests: [Result<BuildRequest, Objection>] = []
    for facts in message.packages { requests.append(await judged(facts)) }
    let waiters = requests.compactMap { try? $0.get() }.map { request in
      Waiter(fingerprint: request.fingerprint, owner: owner, group: message.group, since: now)
    }
    // All or none, before anything is queued: whoever asks again with the same name loses nothing.
    guard try await index.admit(waiters, unfinishedAtMost: settings.openRequests) else {
      throw GatewayRefusal.tooManyOpen(settings.openRequests)
    }
    let priority = min(0, max(-100, message.priority ?? 0))
    var answers: [PackageStatus] = []
    for request in requests {
      switch request {
      case .success(let request):
        answers.append(
          try await submit(
            request,
            Waiter(
              fingerprint: request.fingerprint, owner: owner, group: message.group, since: now),
            priority: priority, now: now))
      case .failure(let objection):
        metrics.refused.increment()
        answers.append(PackageStatus(refused: objection.cpv, message: objection.reason))
      }
    }
    bell.ring()
    return Messages.Submitted(group: message.group, packages: answers)
  }

  /// Why a package never becomes a job.
  private struct Objection: Error {
    let cpv: String
    let reason: String
  }

  private func judged(_ facts: PackageFacts) async -> Result<BuildRequest, Objection> {
    let request: BuildRequest
    do {
      request = try BuildRequest(facts)
    } catch {
      return .failure(Objection(cpv: BuildLog.clean(facts.cpv), reason: error.description))
    }
    guard let reason = await hooks.admit(request) else { return .success(request) }
    return .failure(Objection(cpv: request.cpv, reason: reason))
  }

  private func submit(
    _ request: BuildRequest, _ waiter: Waiter, priority: Int, now: Timestamp
  ) async throws -> PackageStatus {
    let job = try await index.submit(request, for: waiter, priority: priority, now: now)
    metrics.requested.increment()
    if case .queued = job.state { try await ring(for: job, now: now) }
    log.info(
      "package requested",
      metadata: [
        "cpv": "\(request.cpv)", "fingerprint": "\(request.fingerprint)", "by": "\(waiter.owner)",
        "state": "\(job.state.phase.rawValue)",
      ])
    return PackageStatus(of: job)
  }

  /// The jobs of one request as they stand, oldest first.
  func jobs(ofGroup group: String, owner: String) async throws -> [Job] {
    let waiters = try await index.waiters(
      .group(group, owner: owner), limit: Messages.packagesPerRequest)
    guard !waiters.isEmpty else { throw GatewayRefusal.unknown("request \(group)") }
    var jobs: [Job] = []
    for waiter in waiters {
      if let job = try await index.job(waiter.fingerprint) { jobs.append(job) }
    }
    return jobs
  }

  /// Forgets a request; jobs that nobody else waits for are given up.
  func withdraw(group: String, owner: String) async throws {
    let now = hooks.now()
    let waiters = try await index.waiters(
      .group(group, owner: owner), limit: Messages.packagesPerRequest)
    for waiter in waiters { try await index.withdraw(waiter, now: now) }
    bell.ring()
  }
}

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

// What time does.
extension GatewayDesk {
  /// Ends leases that are over and rings again for jobs whose message may be lost.
  func sweep() async throws {
    let now = hooks.now()
    let swept = try await index.sweep(now: now, settings: settings.builds)
    for job in swept {
      log.notice("worker vanished", metadata: ["cpv": "\(job.request.cpv)"])
      rings[job.fingerprint] = nil
      try await ring(for: job, now: now)
    }
    let limit = now - settings.builds.ringsAgain
    for job in try await index.jobs(.due(.queued, before: limit), limit: 200) {
      if let schedule = rings[job.fingerprint], now < schedule.next { continue }
      try await ring(for: job, now: now)
    }
    if rings.count > 10_000 { rings.removeAll() }
    if now - forgotten >= .seconds(3_600) {
      forgotten = now
      _ = try await index.removeFinishedWaiters(since: now - Self.remembersWaiters)
    }
    if !swept.isEmpty { bell.ring() }
  }

  /// Sends a message, and notes when to send it again: at doubling intervals up to an hour, so
  /// that a queue without workers stays short.
  private func ring(for job: Job, now: Timestamp) async throws {
    let last = rings[job.fingerprint]?.interval
    let interval = min(last.map { $0 * 2 } ?? settings.builds.ringsAgain, .seconds(3_600))
    rings[job.fingerprint] = RingSchedule(next: now + interval, interval: interval)
    try await queue.ring(Ring(for: job))
  }
}
