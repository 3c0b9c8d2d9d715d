import Synchronization
import Wire

/// What each token's bearer does at the moment: calls a minute and open streams.
final class GuestBook: Sendable {
  private struct Entries {
    var limiter = RateLimiter()
    var streams: [String: Int] = [:]
  }

  private let settings: GatewaySettings
  private let entries = Mutex(Entries())
  private let start = ContinuousClock.now

  init(settings: GatewaySettings) {
    self.settings = settings
  }

  /// Notes a call; how long this token must wait if it makes too many.
  func wait(for token: Token) -> Duration? {
    let now = Instant.zero + (ContinuousClock.now - start)
    let limit =
      switch token.role {
      case .request: settings.callsPerMinute
      case .worker: settings.workerCallsPerMinute
      }
    return entries.withLock { $0.limiter.take(token.name, perMinute: limit, now: now) }
  }

  /// Notes a stream; false if the token has too many open.
  func openStream(_ name: String) -> Bool {
    entries.withLock { entries in
      let open = entries.streams[name] ?? 0
      guard open < settings.openStreams else { return false }
      entries.streams[name] = open + 1
      return true
    }
  }

  /// Notes that a stream ended.
  func closeStream(_ name: String) {
    entries.withLock { entries in
      let open = (entries.streams[name] ?? 1) - 1
      entries.streams[name] = open > 0 ? open : nil
    }
  }
}
