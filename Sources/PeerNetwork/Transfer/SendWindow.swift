import Synchronization

/// The blobs' bytes of one connection that were handed to its channel and that the socket has not
/// taken yet.
///
/// The channel's own back pressure shows only after its event loop has run, and the task that writes
/// gets far ahead of a busy loop: among fifty connections each would hold more than a megabyte.
final class SendWindow: Sendable {
  private struct State {
    var bytes = 0
    var notify: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())

  /// The bytes on their way.
  var bytes: Int { state.withLock { $0.bytes } }

  /// Names who hears of every write that ended.
  func notify(_ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.notify = body }
  }

  /// Notes bytes that are handed to the channel.
  func began(_ count: Int) {
    state.withLock { $0.bytes += count }
  }

  /// Notes bytes that the socket took, or that are lost with it.
  func ended(_ count: Int) {
    let notify = state.withLock { state in
      state.bytes -= count
      return state.notify
    }
    notify?()
  }
}
