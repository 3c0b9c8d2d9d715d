/// How long operations took, counted in fixed classes that double in width.
public struct LatencyHistogram: Sendable, Equatable {
  /// The upper bounds of the classes but the last, which has none.
  public static let bounds: [Duration] = [
    .milliseconds(25), .milliseconds(50), .milliseconds(100), .milliseconds(200),
    .milliseconds(400), .milliseconds(800), .milliseconds(1_600), .milliseconds(3_200),
  ]

  /// The operations of each class.
  public private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)

  /// An empty histogram.
  public init() {}

  /// Counts one operation.
  mutating func add(_ time: Duration) {
    counts[Self.bounds.firstIndex { time <= $0 } ?? Self.bounds.count] += 1
  }
}
