/// The times and bounds of jobs.
public struct BuildSettings: Sendable, Equatable {
  /// How long a lease lasts without a heartbeat: three missed ones of 30 s.
  public var lease: Duration = .seconds(100)
  /// How often a worker sends a heartbeat.
  public var heartbeat: Duration = .seconds(30)
  /// How long a failed build answers for new requests.
  public var remembersFailure: Duration = .seconds(6 * 3_600)
  /// How many workers may vanish with a job before it counts as failed.
  public var attempts = 3
  /// After what time a queued job without a message is rung for again.
  public var ringsAgain: Duration = .seconds(60)

  /// The defaults.
  public init() {}
}
