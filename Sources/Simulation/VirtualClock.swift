public import Wire

/// A clock that moves only when the simulation does.
public struct VirtualClock: Sendable {
  /// The monotonic time, from zero.
  public private(set) var now = Instant.zero
  /// The wall clock at instant zero.
  public let origin: Timestamp

  /// A clock at instant zero that shows this wall time.
  public init(origin: Timestamp = Timestamp(1_800_000_000)) {
    self.origin = origin
  }

  /// The wall time.
  public var wall: Timestamp {
    Timestamp(origin.seconds + Int64(now.nanoseconds / 1_000_000_000))
  }

  /// Moves on; never back.
  public mutating func advance(to instant: Instant) {
    now = max(now, instant)
  }
}
