/// A set of a blob's 64 KiB blocks, as a bit map.
public struct BlockSet: Sendable, Hashable {
  /// The number of blocks that the blob has.
  public let capacity: Int
  /// The number of blocks in the set.
  public private(set) var count = 0
  private var words: [UInt64]

  /// The empty set of a blob with `capacity` blocks.
  public init(capacity: Int) {
    precondition(capacity >= 0, "a blob cannot have \(capacity) blocks")
    self.capacity = capacity
    words = [UInt64](repeating: 0, count: (capacity + 63) / 64)
  }

  /// The set of all the blocks of a blob.
  public init(full capacity: Int) {
    self.init(capacity: capacity)
    for block in 0..<capacity { insert(block) }
  }

  /// The set that `bytes` encode: block i is bit i mod 8, lowest first, of byte i / 8.
  ///
  /// Nil for another length than the blob's blocks need, and for a bit past the last block.
  public init?(bytes: some Collection<UInt8>, capacity: Int) {
    guard capacity >= 0, bytes.count == (capacity + 7) / 8 else { return nil }
    self.init(capacity: capacity)
    for (index, byte) in bytes.enumerated() where byte != 0 {
      words[index / 8] |= UInt64(byte) << UInt64(8 * (index % 8))
    }
    if capacity % 64 != 0, let last = words.last, last >> UInt64(capacity % 64) != 0 { return nil }
    for word in words { count += word.nonzeroBitCount }
  }

  /// The encoding that `init(bytes:capacity:)` reads.
  public var bytes: [UInt8] {
    (0..<(capacity + 7) / 8).map { index in
      UInt8(truncatingIfNeeded: words[index / 8] >> UInt64(8 * (index % 8)))
    }
  }

  /// Whether no block is in the set.
  public var isEmpty: Bool { count == 0 }

  /// Whether every block of the blob is in the set.
  public var isFull: Bool { count == capacity }

  /// Whether the set has this block; false for a block that the blob does not have.
  public func contains(_ block: Int) -> Bool {
    guard block >= 0, block < capacity else { return false }
    return words[block / 64] >> UInt64(block % 64) & 1 == 1
  }

  /// Adds a block; returns whether it was new. A block past the blob's end is ignored.
  @discardableResult
  public mutating func insert(_ block: Int) -> Bool {
    guard block >= 0, block < capacity, !contains(block) else { return false }
    words[block / 64] |= 1 << UInt64(block % 64)
    count += 1
    return true
  }

  /// Removes a block; returns whether it was there.
  @discardableResult
  public mutating func remove(_ block: Int) -> Bool {
    guard contains(block) else { return false }
    words[block / 64] &= ~(1 << UInt64(block % 64))
    count -= 1
    return true
  }

  /// The first block at or after `start` that is not in the set; nil if there is none.
  public func firstMissing(from start: Int = 0) -> Int? {
    var block = max(0, start)
    while block < capacity {
      let rest = ~words[block / 64] >> UInt64(block % 64)
      if rest != 0 {
        let found = block + rest.trailingZeroBitCount
        return found < capacity ? found : nil
      }
      block = (block / 64 + 1) * 64
    }
    return nil
  }
}
