/// A dictionary of at most `capacity` values that drops the one longest unused.
struct LeastRecent<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  let capacity: Int
  private var values: [Key: (value: Value, used: UInt64)] = [:]
  private var clock: UInt64 = 0

  init(capacity: Int) {
    precondition(capacity > 0, "a cache of \(capacity) values holds nothing")
    self.capacity = capacity
  }

  var count: Int { values.count }

  /// The value of a key; reading it makes it the most recent, nil removes it.
  subscript(key: Key) -> Value? {
    mutating get {
      clock += 1
      values[key]?.used = clock
      return values[key]?.value
    }
    set {
      clock += 1
      guard let newValue else {
        values[key] = nil
        return
      }
      values[key] = (newValue, clock)
      guard values.count > capacity else { return }
      if let oldest = values.min(by: { $0.value.used < $1.value.used })?.key {
        values[oldest] = nil
      }
    }
  }
}
