import DHT
import NIOCore
import NIOPosix
import Wire

/// When the machine is woken, and how the driver waits.
extension DHTService {
  /// Ticks the machine whenever it is due.
  func keepTime() async {
    while !Task.isCancelled {
      let time = now
      if machine.nextDeadline <= time {
        act(tick())
        showMetrics()
        continue
      }
      sleepsUntil = machine.nextDeadline
      let span = sleepsUntil - time
      let (stream, continuation) = AsyncStream<Void>.makeStream(
        bufferingPolicy: .bufferingNewest(1))
      wake = continuation
      await Self.pause(span, or: stream, continuation)
      wake = nil
      sleepsUntil = .zero
    }
  }

  /// Sleeps for a span, until the stream says something, or until cancelled.
  static func pause(
    _ span: Duration, or stream: AsyncStream<Void>, _ continuation: AsyncStream<Void>.Continuation
  ) async {
    // One timer of an event loop: a child task that sleeps takes some 2 KiB, and several wait at any time.
    let timer = NIOSingletons.posixEventLoopGroup.any().scheduleTask(
      in: .nanoseconds(span.nanoseconds)
    ) { continuation.finish() }
    for await _ in stream { break }
    timer.cancel()
  }
}
