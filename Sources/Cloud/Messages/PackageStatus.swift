import Builder
public import Trust
public import Wire

/// Where one requested package stands, as the gateway tells the asker.
public struct PackageStatus: Codable, Sendable, Equatable {
  /// Where it stands.
  public enum State: String, Codable, Sendable, Equatable {
    /// Never became a job: `message` says why.
    case refused
    /// Waits for a worker.
    case queued
    /// A worker builds it.
    case leased
    /// Built: `statement`, `root` and `size` are there.
    case built
    /// Failed: `message` says why, `log` shows the end of the build.
    case failed
    /// Given up.
    case cancelled
  }

  /// `category/package-version`.
  public var cpv: String
  /// The build's name; nil if refused.
  public var fingerprint: Fingerprint?
  /// Where it stands.
  public var state: State
  /// The present or last worker's name.
  public var worker: String?
  /// Which attempt this is.
  public var attempt: Int?
  /// Why it was refused or failed.
  public var message: String?
  /// When a failed build may be asked for anew, in Unix seconds.
  public var until: Timestamp?
  /// The encoded signed statement in hexadecimal.
  public var statement: String?
  /// The blob's content root.
  public var root: Bytes32?
  /// The blob's size in bytes.
  public var size: UInt64?
  /// The last lines of a failed build.
  public var log: [String]?

  /// Whether nothing more will happen to it.
  public var isFinal: Bool {
    switch state {
    case .refused, .built, .failed, .cancelled: true
    case .queued, .leased: false
    }
  }

  /// The bytes of the signed statement; nil if there is none.
  public var statementBytes: [UInt8]? { statement.flatMap { [UInt8](hex: $0) } }

  /// A package that no builder takes.
  init(refused cpv: String, message: String) {
    self.cpv = cpv
    state = .refused
    self.message = message
  }

  /// What a job says.
  init(of job: Job) {
    cpv = job.request.cpv
    fingerprint = job.fingerprint
    attempt = job.attempts
    switch job.state {
    case .queued: state = .queued
    case .leased(let lease, _):
      state = .leased
      worker = lease.worker
    case .built(let result):
      state = .built
      statement = result.statement.hex
      root = result.root
      size = result.size
    case .failed(let failure):
      state = .failed
      message = failure.message
      until = failure.until
      log = Array(job.log.lines.suffix(60))
    case .cancelled: state = .cancelled
    }
  }
}
