public import Trust
public import Wire

/// Somebody who wants a job's result: an item of its own, so that two askers share one job and
/// each may leave without the other.
public struct Waiter: Sendable, Equatable, Hashable, Codable {
  /// What is waited for.
  public let fingerprint: Fingerprint
  /// Who waits: the name of the token that asked.
  public let owner: String
  /// The request that it belongs to; a request for many packages is one group.
  public let group: String
  /// When it was asked for.
  public let since: Timestamp

  /// A waiter of these parts.
  public init(fingerprint: Fingerprint, owner: String, group: String, since: Timestamp) {
    self.fingerprint = fingerprint
    self.owner = owner
    self.group = group
    self.since = since
  }
}

/// Which waiters an index should return.
public enum WaiterQuery: Sendable, Equatable, Hashable {
  /// All that wait for one job.
  case fingerprint(Fingerprint)
  /// All of one owner.
  case owner(String)
  /// All of one owner's request.
  case group(String, owner: String)
}
