import Builder
import CoreMetrics
import Logging
import Trust
import Wire

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
