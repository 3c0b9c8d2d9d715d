import Cryptography
import Synchronization

/// Lets a bounded number of fetches run, and one at a time for each blob.
///
/// The others wait in line; a waiting task that is cancelled leaves the line at once.
final class FetchQueue: Sendable {
  private struct Waiter {
    let id: UInt64
    let root: ContentRoot
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var running: Set<ContentRoot> = []
    var waiting: [Waiter] = []
    var nextID: UInt64 = 0
    var cancelled: Set<UInt64> = []
  }

  private let state = Mutex(State())
  private let width: Int
  private let length: Int

  init(width: Int, length: Int) {
    self.width = max(1, width)
    self.length = length
  }

  /// The fetches that wait.
  var waitingCount: Int { state.withLock { $0.waiting.count } }

  /// Waits for a place; throws `FetchError.busy` if the line is full, and on cancellation.
  func enter(_ root: ContentRoot) async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let result: Result<Void, any Error>? = state.withLock { state in
          if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
          if state.running.count < width, !state.running.contains(root) {
            state.running.insert(root)
            return .success(())
          }
          guard state.waiting.count < length else { return .failure(FetchError.busy) }
          state.waiting.append(Waiter(id: id, root: root, continuation: continuation))
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      let waiter = state.withLock { state -> Waiter? in
        if let at = state.waiting.firstIndex(where: { $0.id == id }) {
          return state.waiting.remove(at: at)
        }
        state.cancelled.insert(id)
        return nil
      }
      waiter?.continuation.resume(throwing: CancellationError())
    }
    _ = state.withLock { $0.cancelled.remove(id) }
  }

  /// Gives the place to the first in line that can take it.
  func leave(_ root: ContentRoot) {
    let next = state.withLock { state -> [Waiter] in
      state.running.remove(root)
      var next: [Waiter] = []
      while state.running.count < width,
        let at = state.waiting.firstIndex(where: { !state.running.contains($0.root) })
      {
        let waiter = state.waiting.remove(at: at)
        state.running.insert(waiter.root)
        next.append(waiter)
      }
      return next
    }
    for waiter in next { waiter.continuation.resume() }
  }
}
