public import Wire

/// Where a job stands.
public enum JobState: Sendable, Equatable, Codable {
  /// Waits for a worker since this time.
  case queued(since: Timestamp)
  /// A worker builds it; `cancelling` once nobody wants it any more.
  case leased(Lease, cancelling: Bool)
  /// Built; the result stays.
  case built(BuildResult)
  /// Failed, and remembered for a while.
  case failed(BuildFailure)
  /// Given up because nobody wanted it any more.
  case cancelled(at: Timestamp)

  /// The state's bare name.
  public var phase: JobPhase {
    switch self {
    case .queued: .queued
    case .leased: .leased
    case .built: .built
    case .failed: .failed
    case .cancelled: .cancelled
    }
  }
}

/// The bare name of a job's state, by which an index finds jobs.
public enum JobPhase: String, Sendable, Equatable, Hashable, Codable, CaseIterable {
  /// Waits for a worker.
  case queued
  /// Is being built.
  case leased
  /// Is built.
  case built
  /// Failed and is remembered.
  case failed
  /// Was given up.
  case cancelled
}
