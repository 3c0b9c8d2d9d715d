import Wire

/// Disjoint ranges of offsets or numbers, in rising order.
struct OffsetRanges: Equatable, Sendable {
  private(set) var ranges: [Range<UInt64>] = []

  var isEmpty: Bool { ranges.isEmpty }

  var first: Range<UInt64>? { ranges.first }

  func contains(_ value: UInt64) -> Bool {
    let at = firstIndex(endingAfter: value)
    return at < ranges.count && ranges[at].lowerBound <= value
  }

  /// Adds a range; what it touches becomes one with it.
  mutating func insert(_ range: Range<UInt64>) {
    guard !range.isEmpty else { return }
    // What comes in mostly extends the last range.
    if let last = ranges.last {
      if range.lowerBound > last.upperBound { return ranges.append(range) }
      if range.lowerBound >= last.lowerBound {
        guard range.upperBound > last.upperBound else { return }
        ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
        return
      }
    }
    var at = firstIndex(endingAfter: range.lowerBound)
    if at > 0, ranges[at - 1].upperBound == range.lowerBound { at -= 1 }
    var merged = range
    var end = at
    while end < ranges.count, ranges[end].lowerBound <= range.upperBound {
      let lower = min(merged.lowerBound, ranges[end].lowerBound)
      merged = lower..<max(merged.upperBound, ranges[end].upperBound)
      end += 1
    }
    ranges.replaceSubrange(at..<end, with: CollectionOfOne(merged))
  }

  /// Takes a range out.
  mutating func remove(_ range: Range<UInt64>) {
    guard !range.isEmpty else { return }
    let at = firstIndex(endingAfter: range.lowerBound)
    var end = at
    var left: [Range<UInt64>] = []
    while end < ranges.count, ranges[end].lowerBound < range.upperBound {
      let old = ranges[end]
      if old.lowerBound < range.lowerBound { left.append(old.lowerBound..<range.lowerBound) }
      if old.upperBound > range.upperBound { left.append(range.upperBound..<old.upperBound) }
      end += 1
    }
    guard end > at else { return }
    ranges.replaceSubrange(at..<end, with: left)
  }

  /// Takes out everything below a bound.
  mutating func remove(below bound: UInt64) {
    remove(0..<bound)
  }

  /// Takes out the first range.
  mutating func removeFirst() {
    ranges.removeFirst()
  }

  /// The index of the first range that ends after `value`.
  private func firstIndex(endingAfter value: UInt64) -> Int {
    ranges.partitioningIndex(afterThose: { $0.upperBound <= value })
  }
}
