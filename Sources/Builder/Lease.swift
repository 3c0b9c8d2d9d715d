public import Trust
public import Wire

/// One worker's right to build one job until a time.
///
/// The fence grows with every claim of the job: who shows an old one has been replaced, however
/// late his message arrives.
public struct Lease: Sendable, Equatable, Hashable, Codable {
  /// What is built.
  public let fingerprint: Fingerprint
  /// The number of this claim.
  public let fence: UInt64
  /// Who builds, as the worker calls itself.
  public let worker: String
  /// When the lease ends unless a heartbeat extends it.
  public let until: Timestamp

  /// A lease of these terms.
  public init(fingerprint: Fingerprint, fence: UInt64, worker: String, until: Timestamp) {
    self.fingerprint = fingerprint
    self.fence = fence
    self.worker = worker
    self.until = until
  }

  /// The same lease with another end.
  public func extended(until time: Timestamp) -> Lease {
    Lease(fingerprint: fingerprint, fence: fence, worker: worker, until: time)
  }
}

/// What a worker should do next, in answer to its heartbeat.
public enum WorkerOrder: String, Sendable, Equatable, Codable {
  /// Go on building.
  case `continue`
  /// Stop: nobody wants the result any more.
  case cancel
  /// Stop: the lease ended and another worker may hold the job.
  case lost
}
