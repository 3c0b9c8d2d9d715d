/// What a machine has counted since it began.
public struct KademliaCounters: Sendable, Equatable {
  /// Requests sent, retransmissions included.
  public var requestsSent: UInt64 = 0
  /// Requests served.
  public var requestsServed: UInt64 = 0
  /// Replies that matched a request.
  public var repliesTaken: UInt64 = 0
  /// Replies to nobody's transaction, from another node or from another address than asked.
  public var repliesIgnored: UInt64 = 0
  /// Requests given up at their hard timeout.
  public var timeouts: UInt64 = 0
  /// Records in replies that failed their validation or answered another question.
  public var recordsRejected: UInt64 = 0
  /// Records in replies, among those rejected, whose time has not come.
  public var recordsFromTheFuture: UInt64 = 0
  /// Own records that another node refused because their time had not come.
  public var ownFromTheFuture: UInt64 = 0
  /// Searches that looked misled and were helped by others beside them.
  public var searchesWidened: UInt64 = 0
  /// Records kept for others, refreshes included.
  public var storesAccepted: UInt64 = 0
  /// Stores refused, by the number of their `StoreResult`.
  public var storesRefused = [UInt64](repeating: 0, count: StoreResult.allCases.count)

  /// Zeroes.
  public init() {}

  mutating func count(_ result: StoreResult) {
    if result == .stored {
      storesAccepted += 1
    } else {
      storesRefused[Int(result.rawValue)] += 1
    }
  }
}
