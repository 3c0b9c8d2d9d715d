public import Trust
public import Wire

/// A doorbell for workers: at-least-once, may duplicate, reorder or lose; the index is the truth.
public protocol JobQueue: Sendable {
  /// Puts a message in.
  func ring(_ ring: Ring) async throws

  /// Takes at most `limit` messages, highest priority first where the queue can, and hides each
  /// until `now + hidden`; one that is not acknowledged by then comes again.
  func receive(limit: Int, hidden: Duration, now: Timestamp) async throws -> [Delivery]

  /// Removes a delivered message for good; a receipt that is unknown or outlived is no error.
  func acknowledge(_ receipt: String) async throws
}

/// One message: there may be something to build.
public struct Ring: Sendable, Equatable, Hashable, Codable {
  /// The job.
  public let fingerprint: Fingerprint
  /// The job's priority; higher goes first.
  public let priority: Int
  /// How many leases the job had when this was sent.
  public let attempt: Int

  /// A message of these parts.
  public init(fingerprint: Fingerprint, priority: Int, attempt: Int) {
    self.fingerprint = fingerprint
    self.priority = priority
    self.attempt = attempt
  }

  /// The message for a job as it stands.
  public init(for job: Job) {
    self.init(fingerprint: job.fingerprint, priority: job.priority, attempt: job.attempts)
  }
}

/// A message as a queue delivered it.
public struct Delivery: Sendable, Equatable, Hashable {
  /// The message.
  public let ring: Ring
  /// What acknowledges this delivery, at most 200 characters.
  public let receipt: String

  /// A delivery of these parts.
  public init(ring: Ring, receipt: String) {
    self.ring = ring
    self.receipt = receipt
  }
}
