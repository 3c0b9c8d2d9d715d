public import Builder
public import Logging
public import Trust

/// A worker's life: take a lease, build, deliver, again.
public struct Worker: Sendable {
  private let client: any LeaseClient
  private let settings: WorkerSettings
  private let host: HostFacts
  private let offer: WorkerOffer
  private let log: Logger

  /// A worker called `name` on this host.
  public init(
    name: String, client: any LeaseClient, settings: WorkerSettings, host: HostFacts, log: Logger
  ) {
    self.client = client
    self.settings = settings
    self.host = host
    self.log = log
    offer = WorkerOffer(
      name: name, chost: host.chost, features: host.cpu.features,
      repositories: host.repositories.map(\.name))
  }

  /// Works until cancelled. A build in progress is killed then, and its lease ends by itself.
  public func run() async throws {
    while true {
      try Task.checkCancellation()
      do {
        if let job = try await client.lease(offer, waiting: settings.wait) {
          try await work(on: job)
        }
      } catch {
        if Task.isCancelled { throw CancellationError() }
        log.error("worker pauses", metadata: ["error": "\(error)"])
        try await Task.sleep(for: settings.pause)
      }
    }
  }

  /// Builds one job and reports; throws what is not the package's fault.
  func work(on job: LeasedJob) async throws {
    let lines = LineBuffer()
    let (client, lease) = (client, job.lease)
    log.info("build began", metadata: ["cpv": "\(job.request.cpv)", "fence": "\(lease.fence)"])
    do {
      let build = WorkerBuild(settings, host: host)
      let order = try await withThrowingTaskGroup(of: WorkerOrder.self) { group in
        group.addTask {
          try await build.run(job.request, log: { await lines.add($0) }) { path, built in
            _ = try await client.heartbeat(lease, lines: await lines.take())
            try await client.upload(lease, path: path)
            try await client.complete(lease, built: built.facts)
          }
          return .continue
        }
        group.addTask { try await Self.beat(job, lines, client) }
        defer { group.cancelAll() }
        return try await group.next() ?? .lost
      }
      switch order {
      case .continue: log.info("build delivered", metadata: ["cpv": "\(job.request.cpv)"])
      case .cancel: try await client.fail(lease, message: "cancelled", lines: [])
      case .lost: log.notice("lease lost", metadata: ["cpv": "\(job.request.cpv)"])
      }
    } catch let failure as WorkerFailure {
      log.notice(
        "build failed", metadata: ["cpv": "\(job.request.cpv)", "why": "\(failure)"])
      guard failure.isThePackages else {
        try await client.release(lease)
        throw failure
      }
      try await client.fail(lease, message: failure.description, lines: await lines.take())
    }
  }

  /// Sends heartbeats until one brings something else than `continue`. Lines go out more often
  /// than the lease needs it, for whoever watches.
  private static func beat(
    _ job: LeasedJob, _ lines: LineBuffer, _ client: any LeaseClient
  ) async throws -> WorkerOrder {
    let interval = Duration.seconds(Int64(max(1, min(job.heartbeatSeconds, 60))))
    let step = min(interval, .seconds(2))
    var silent = Duration.zero
    while true {
      try await Task.sleep(for: step)
      silent += step
      let fresh = await lines.take()
      guard !fresh.isEmpty || silent >= interval else { continue }
      silent = .zero
      let order = try await client.heartbeat(job.lease, lines: fresh)
      if order != .continue { return order }
    }
  }
}
