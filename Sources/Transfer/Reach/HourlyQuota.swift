public import Cryptography
public import Wire

/// How many bytes may pass in an hour: what was not used is saved up, for an hour at most.
public struct HourlyQuota: Sendable, Equatable {
  /// Bytes an hour.
  public let limit: UInt64
  private var left: Double
  private var filled: Instant

  /// A quota of which nothing is used.
  public init(limit: UInt64, now: Instant) {
    self.limit = limit
    left = Double(limit)
    filled = now
  }

  /// The bytes that may pass now.
  public func remaining(now: Instant) -> UInt64 {
    let earned = max(.zero, now - filled).inSeconds * Double(limit) / 3_600
    return UInt64(min(Double(limit), left + earned))
  }

  /// Takes `count` bytes, all or none; whether there were as many.
  public mutating func take(_ count: Int, now: Instant) -> Bool {
    if now > filled {
      left = min(Double(limit), left + (now - filled).inSeconds * Double(limit) / 3_600)
      filled = now
    }
    guard count >= 0, left >= Double(count) else { return false }
    left -= Double(count)
    return true
  }
}

/// The quotas of nodes, no more than a bound of them.
public struct NodeQuotas: Sendable {
  /// Bytes an hour for each node.
  public let limit: UInt64
  /// The nodes that are kept.
  public let capacity: Int
  private var quotas: [PublicKey: HourlyQuota] = [:]

  /// Quotas of which nothing is used.
  public init(limit: UInt64, capacity: Int) {
    self.limit = limit
    self.capacity = capacity
  }

  /// How many nodes are kept.
  public var count: Int { quotas.count }

  /// Whether a node has bytes left and can be kept account of.
  public mutating func admits(_ node: PublicKey, now: Instant) -> Bool {
    if let quota = quotas[node] { return quota.remaining(now: now) > 0 }
    if quotas.count >= capacity {
      // Who has all of its bytes again need not be remembered.
      quotas = quotas.filter { $0.value.remaining(now: now) < limit }
      guard quotas.count < capacity else { return false }
    }
    quotas[node] = HourlyQuota(limit: limit, now: now)
    return limit > 0
  }

  /// Takes bytes of a node that was admitted; whether there were as many.
  public mutating func take(_ count: Int, of node: PublicKey, now: Instant) -> Bool {
    guard admits(node, now: now) else { return false }
    return quotas[node]?.take(count, now: now) ?? false
  }
}
