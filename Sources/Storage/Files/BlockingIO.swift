import Dispatch
import Synchronization

/// The threads on which blocking file operations run, away from event loops and Swift's own pool.
///
/// A few serial lanes: work of one lane never overlaps, so that the steps of one blob stay in order,
/// and a slow disk holds at most `laneCount` threads.
struct BlockingIO: Sendable {
  /// The threads used at most.
  static let laneCount = 4

  private let lanes: [DispatchQueue]

  init(label: String) {
    lanes = (0..<Self.laneCount).map { DispatchQueue(label: "larder.\(label).\($0)") }
  }

  /// Runs `body` on the lane of `key`; once begun it is not interrupted by cancellation.
  func run<Value: Sendable>(
    lane key: Int, _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    let lane = lanes[Int(UInt(bitPattern: key) % UInt(Self.laneCount))]
    return try await withCheckedThrowingContinuation { continuation in
      lane.async { continuation.resume(with: Result { try body() }) }
    }
  }
}
