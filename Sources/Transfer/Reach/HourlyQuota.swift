public import Wire

/// How many bytes may pass in an hour: what was not used is saved up, for an hour at most.
public struct HourlyQuota: Sendable, Equatable {
  /// Bytes an hour.
  public let limit: UInt64
  private var left: Double
  private var filled: Instant

  /// A quota of which nothing is used.
  ///
  /// More than 2⁶² bytes an hour are no limit to anybody.
  public init(limit: UInt64, now: Instant) {
    let limit = min(limit, 1 << 62)
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

/// The quotas of nodes or of addresses, no more than a bound of them.
public struct Quotas<Owner: Hashable & Sendable>: Sendable {
  /// Bytes an hour for each.
  public let limit: UInt64
  /// Those that are kept account of.
  public let capacity: Int
  private var quotas: [Owner: HourlyQuota] = [:]

  /// Quotas of which nothing is used.
  public init(limit: UInt64, capacity: Int) {
    self.limit = min(limit, 1 << 62)
    self.capacity = capacity
  }

  /// How many are kept account of.
  public var count: Int { quotas.count }

  /// Whether so many bytes are left to an owner that can be kept account of.
  public mutating func has(_ count: Int, of owner: Owner, now: Instant) -> Bool {
    if let quota = quotas[owner] { return quota.remaining(now: now) >= count }
    guard limit >= count else { return false }
    if quotas.count >= capacity {
      // Who has all of its bytes again need not be remembered.
      quotas = quotas.filter { $0.value.remaining(now: now) < limit }
    }
    return quotas.count < capacity
  }

  /// Takes bytes of an owner, all or none; whether there were as many.
  public mutating func take(_ count: Int, of owner: Owner, now: Instant) -> Bool {
    guard has(count, of: owner, now: now) else { return false }
    return quotas[owner, default: HourlyQuota(limit: limit, now: now)].take(count, now: now)
  }
}
