import Builder
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
  /// Uploads that are checked now.
  var checking: Set<Fingerprint> = []
  /// When the workers are told again of jobs that wait.
  var rings: [Fingerprint: RingSchedule] = [:]
  /// When waiters of finished jobs were forgotten last.
  private var forgotten = Timestamp(0)
  /// How long an asker may ask how its finished request ended.
  private static let remembersWaiters = Duration.seconds(7 * 86_400)

  struct RingSchedule {
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

extension GatewayDesk {
  /// What keeps the gateway from its work, for a person; nil if nothing does.
  func problem() async -> String? {
    do {
      _ = try await index.jobs(.due(.queued, before: Timestamp(0)), limit: 1)
    } catch {
      return "the jobs can't be read: \(error)"
    }
    return await staging.problem()
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
  func ring(for job: Job, now: Timestamp) async throws {
    let last = rings[job.fingerprint]?.interval
    let interval = min(last.map { $0 * 2 } ?? settings.builds.ringsAgain, .seconds(3_600))
    rings[job.fingerprint] = RingSchedule(next: now + interval, interval: interval)
    try await queue.ring(Ring(for: job))
  }
}
