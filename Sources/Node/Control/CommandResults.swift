/// A build asked for in the background that ended, as `larder inbox --json` prints it.
public struct InboxRow: Codable, Sendable, Equatable {
  /// Category, name and version.
  public var package: String
  /// The fingerprint, 64 hexadecimal digits.
  public var fingerprint: String
  /// `ready` or `failed`.
  public var outcome: String
  /// What to know besides, in one line.
  public var message: String
  /// When it ended, in Unix seconds.
  public var time: Int64

  /// A row of these values.
  public init(package: String, fingerprint: String, outcome: String, message: String, time: Int64) {
    self.package = package
    self.fingerprint = fingerprint
    self.outcome = outcome
    self.message = message
    self.time = time
  }
}

/// What `larder gc` did.
public struct CollectReport: Codable, Sendable, Equatable {
  /// How many blobs were removed, unfinished ones included.
  public var evicted: Int
  /// The bytes that they took.
  public var freed: UInt64
  /// The bytes that blobs take now.
  public var used: UInt64
  /// The bytes that they may take.
  public var quota: UInt64

  /// A report of these numbers.
  public init(evicted: Int, freed: UInt64, used: UInt64, quota: UInt64) {
    self.evicted = evicted
    self.freed = freed
    self.used = used
    self.quota = quota
  }
}

/// What became of a package that was to be published or withdrawn.
public struct PublishRow: Codable, Sendable, Equatable {
  /// How it ended.
  public enum Outcome: String, Codable, Sendable {
    /// Signed, announced and served.
    case published
    /// It was published before.
    case known
    /// emerge has not merged it yet.
    case early
    /// A rule forbids it.
    case refused
    /// The file is no package that can be read.
    case unreadable
    /// It is offered no longer.
    case withdrawn
    /// This node published no build of it.
    case unpublished
    /// Another key signed it, which alone can withdraw it.
    case foreign
  }

  /// Category, name and version; nil where the file did not say.
  public var package: String?
  /// The file that was named; nil in withdrawals.
  public var file: String?
  /// How it ended.
  public var outcome: Outcome
  /// The fingerprint that it was published as, 64 hexadecimal digits.
  public var fingerprint: String?
  /// The content root of what was withdrawn, 64 hexadecimal digits.
  public var root: String?
  /// Why not, one line a rule; empty if all is well.
  public var reasons: [String]

  /// A row of these values.
  public init(
    package: String? = nil, file: String? = nil, outcome: Outcome, fingerprint: String? = nil,
    root: String? = nil, reasons: [String] = []
  ) {
    self.package = package
    self.file = file
    self.outcome = outcome
    self.fingerprint = fingerprint
    self.root = root
    self.reasons = reasons
  }
}

/// Where a build stands that the cloud tier was asked for.
public struct RequestRow: Codable, Sendable, Equatable {
  /// Category, name and version.
  public var package: String
  /// The fingerprint, 64 hexadecimal digits; nil if it was refused.
  public var fingerprint: String?
  /// `refused`, `queued`, `leased`, `built`, `failed` or `cancelled`.
  public var state: String
  /// Who builds it or did last.
  public var worker: String?
  /// Why it was refused or failed.
  public var message: String?
  /// The last lines of a failed build.
  public var log: [String]?

  /// A row of these values.
  public init(
    package: String, fingerprint: String? = nil, state: String, worker: String? = nil,
    message: String? = nil, log: [String]? = nil
  ) {
    self.package = package
    self.fingerprint = fingerprint
    self.state = state
    self.worker = worker
    self.message = message
    self.log = log
  }
}
