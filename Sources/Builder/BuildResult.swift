public import Wire

/// A finished build: the issuer's signed statement and the blob it speaks of.
public struct BuildResult: Sendable, Equatable, Codable {
  /// The encoded signed statement, at most `Limits.record` bytes.
  public let statement: [UInt8]
  /// The content root of the gpkg.
  public let root: Bytes32
  /// The size of the gpkg in bytes.
  public let size: UInt64
  /// When the gateway accepted it.
  public let accepted: Timestamp
  /// When the statement expires; a request after that builds anew.
  public let expires: Timestamp

  /// A result of these parts.
  public init(
    statement: [UInt8], root: Bytes32, size: UInt64, accepted: Timestamp, expires: Timestamp
  ) {
    self.statement = statement
    self.root = root
    self.size = size
    self.accepted = accepted
    self.expires = expires
  }
}

/// A build that failed, remembered so that nobody waits for the same failure again.
public struct BuildFailure: Sendable, Equatable, Codable {
  /// What went wrong, in one line.
  public let message: String
  /// When it failed.
  public let failed: Timestamp
  /// Until when a new request is answered with this failure instead of a new build.
  public let until: Timestamp

  /// A failure of these parts; the message is cleaned and cut like a line of the log.
  public init(message: String, failed: Timestamp, until: Timestamp) {
    self.message = BuildLog.clean(message)
    self.failed = failed
    self.until = until
  }
}
