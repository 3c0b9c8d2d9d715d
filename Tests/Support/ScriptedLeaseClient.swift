public import Builder
public import Trust

/// A gateway in a script: gives prepared jobs, answers heartbeats as told, records every call.
public actor ScriptedLeaseClient: LeaseClient {
  /// What a worker told.
  public enum Call: Sendable, Equatable {
    /// A file was uploaded from this path.
    case upload(String)
    /// The upload is the result.
    case complete
    /// The build failed.
    case fail(String)
    /// The job was handed back.
    case release
  }

  private var jobs: [LeasedJob]
  private let order: WorkerOrder
  /// The calls, in order.
  public private(set) var calls: [Call] = []
  /// The facts of the builds that were completed.
  public private(set) var built: [PackageFacts] = []
  /// The lines of all heartbeats and failures.
  public private(set) var lines: [String] = []

  /// A gateway with these jobs that answers every heartbeat with `order`.
  public init(_ jobs: [LeasedJob] = [], order: WorkerOrder = .continue) {
    self.jobs = jobs
    self.order = order
  }

  /// The next job.
  public func lease(_ offer: WorkerOffer, waiting: Duration) async throws -> LeasedJob? {
    guard jobs.isEmpty else { return jobs.removeFirst() }
    try await Task.sleep(for: waiting)
    return nil
  }

  /// Records the lines.
  public func heartbeat(_ lease: Lease, lines: [String]) -> WorkerOrder {
    self.lines += lines
    return order
  }

  /// Records the path.
  public func upload(_ lease: Lease, path: String) {
    calls.append(.upload(path))
  }

  /// Records the end and what was built.
  public func complete(_ lease: Lease, built: PackageFacts) {
    self.built.append(built)
    calls.append(.complete)
  }

  /// Records the failure.
  public func fail(_ lease: Lease, message: String, lines: [String]) {
    self.lines += lines
    calls.append(.fail(message))
  }

  /// Records the release.
  public func release(_ lease: Lease) {
    calls.append(.release)
  }
}
