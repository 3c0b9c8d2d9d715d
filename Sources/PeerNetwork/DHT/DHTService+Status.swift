import DHT
import Metrics
import Wire

/// What the driver has counted since the start.
struct DHTTally: Sendable {
  var received: UInt64 = 0
  var refused: UInt64 = 0
  var strangersDropped: UInt64 = 0
  var sent: UInt64 = 0
  var sentBytes: UInt64 = 0
  /// How long searches for records took.
  var lookups = LatencyHistogram()
  /// The machine's counters as the metrics have them, and when they were shown.
  var shown = DHTMetrics.Shown()
  var shownAt = Instant.zero
}

/// What can be seen of the service: the status page's snapshot and the metrics.
extension DHTService {
  /// The state for the status page.
  public var snapshot: DHTSnapshot {
    DHTSnapshot(
      key: key, bound: boundAddress, isJoined: !machine.isIsolated, status: machine.status,
      contacts: machine.contactStates, sessions: sessions.count,
      published: publisher.items.count, announced: publisher.announced,
      publishDelay: publisher.delay(now: wallClock()), lookups: tally.lookups,
      datagramsReceived: tally.received, datagramsSent: tally.sent, bytesSent: tally.sentBytes,
      datagramsRefused: tally.refused, strangersDropped: tally.strangersDropped,
      cookiesRefused: sessions.cookiesRefused)
  }

  /// Notes how long a request of ours took.
  func note(_ request: Request, took time: Duration) {
    switch request {
    case .get:
      tally.lookups.add(time)
      metrics.gets.record(duration: time)
    case .put: metrics.puts.record(duration: time)
    case .find: metrics.finds.record(duration: time)
    case .join: metrics.joins.record(duration: time)
    case .punch: metrics.punches.record(duration: time)
    }
  }

  /// Brings the metrics up to date.
  func showMetrics() {
    tally.shownAt = now
    metrics.show(
      machine.status, contacts: machine.contactStates, cookiesRefused: sessions.cookiesRefused,
      publishDelay: publisher.delay(now: wallClock()), since: &tally.shown)
  }

  /// The same at most once a second, for a node that serves and never asks.
  func showMetricsIfOld() {
    if now - tally.shownAt >= .seconds(1) { showMetrics() }
  }
}
