import Synchronization

/// Wakes whoever waits for changes of jobs in this process.
///
/// A hint only: listeners look at the index again; and the gateway rings from time to time without
/// a change, since another gateway may have made one.
final class ChangeBell: Sendable {
  private struct Listeners {
    var next = 0
    var waiting: [Int: AsyncStream<Void>.Continuation] = [:]
  }

  private let listeners = Mutex(Listeners())

  /// Wakes everybody.
  func ring() {
    let all = listeners.withLock { Array($0.waiting.values) }
    for continuation in all { continuation.yield() }
  }

  /// One element now and one after each ring; rings that nobody took yet are one element.
  ///
  /// Ends when the listening task is cancelled.
  func rings() -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let number = listeners.withLock { listeners in
      listeners.next += 1
      listeners.waiting[listeners.next] = continuation
      return listeners.next
    }
    continuation.onTermination = { [weak self] _ in
      self?.listeners.withLock { _ = $0.waiting.removeValue(forKey: number) }
    }
    continuation.yield()
    return stream
  }
}
