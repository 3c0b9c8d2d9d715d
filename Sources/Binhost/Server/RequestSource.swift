import Hummingbird
import NIOCore
import Wire

/// What is known of a request besides its text: whether it comes from this machine itself.
struct RequestSource: RequestContext {
  var coreContext: CoreRequestContextStorage
  let isLocal: Bool

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    isLocal = Self.isLocal(source.channel.remoteAddress?.ipAddress)
  }

  /// Whether this text is a loopback address; an unknown peer is a stranger.
  static func isLocal(_ address: String?) -> Bool {
    address.flatMap { IPAddress($0) }?.isLoopback ?? false
  }
}
