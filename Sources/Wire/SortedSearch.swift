extension RandomAccessCollection {
  /// The first place whose element is not before what is sought; the end if all are.
  ///
  /// `isBefore` holds for a prefix of the collection and for nothing behind it, as in a sorted one. It
  /// is asked about log₂ of the count times.
  public func partitioningIndex(afterThose isBefore: (Element) throws -> Bool) rethrows -> Index {
    var low = startIndex
    var left = count
    while left > 0 {
      let half = left / 2
      let middle = index(low, offsetBy: half)
      if try isBefore(self[middle]) {
        low = index(after: middle)
        left -= half + 1
      } else {
        left = half
      }
    }
    return low
  }
}
