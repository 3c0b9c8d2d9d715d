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
  ///
  /// The lane lets go of `body`, and of what only it holds, before this returns.
  func run<Value: Sendable>(
    lane key: Int, _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    let lane = lanes[Int(UInt(bitPattern: key) % UInt(Self.laneCount))]
    return try await withCheckedThrowingContinuation { continuation in
      let work = Once(body)
      lane.async { continuation.resume(with: work.run()) }
    }
  }

  /// Begins `body` on the lane of `key` and returns.
  func start(lane key: Int, _ body: @escaping @Sendable () -> Void) {
    lanes[Int(UInt(bitPattern: key) % UInt(Self.laneCount))].async(execute: body)
  }

  /// Work that is let go once it was done, while the block that a queue was given may live on a little.
  private final class Once<Value: Sendable>: Sendable {
    private let body: Mutex<(@Sendable () throws -> Value)?>

    init(_ body: @escaping @Sendable () throws -> Value) {
      self.body = Mutex(body)
    }

    func run() -> Result<Value, any Error> {
      let taken = body.withLock { body in
        defer { body = nil }
        return body
      }
      guard let taken else { return .failure(CancellationError()) }
      return Result { try taken() }
    }
  }
}
