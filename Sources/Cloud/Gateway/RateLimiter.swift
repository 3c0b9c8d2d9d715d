import Wire

/// A bucket of calls for each token: so many a minute, and a burst of as many.
struct RateLimiter: Sendable {
  private struct Bucket {
    var calls: Double
    var seen: Instant
  }

  /// How many buckets are kept; tokens are few, so more means that names come and go.
  static let capacity = 10_000

  private var buckets: [String: Bucket] = [:]

  /// Takes one call from the bucket of `name`; nil if there was one, else how long to wait.
  mutating func take(_ name: String, perMinute: Int, now: Instant) -> Duration? {
    let limit = Double(max(1, perMinute))
    var bucket = buckets[name] ?? Bucket(calls: limit, seen: now)
    let earned = max(0, (now - bucket.seen).inSeconds) * limit / 60
    bucket.calls = min(limit, bucket.calls + earned)
    bucket.seen = max(bucket.seen, now)
    defer {
      if buckets.count >= Self.capacity, buckets[name] == nil { buckets.removeAll() }
      buckets[name] = bucket
    }
    guard bucket.calls >= 1 else {
      return .milliseconds(Int64((1 - bucket.calls) * 60_000 / limit) + 1)
    }
    bucket.calls -= 1
    return nil
  }
}
