import CoreMetrics
import Metrics
import Transfer

/// What became of a node's UDP streams since the start.
struct StreamTally: Sendable, Equatable {
  /// Streams that this node asked for.
  var opened = 0
  /// Of those, who answered nothing in time.
  var unanswered = 0
  /// Streams granted to others.
  var granted = 0
  /// Streams refused to others for want of room.
  var refused = 0
  /// OPENs of streams that had ended before.
  var replayed = 0
  /// Streams that ended because nothing came any more.
  var lost = 0
  /// Streams that ended because the other side broke the rules, or said that we did.
  var violations = 0
  /// Datagrams for the DHT that were dropped because it did not keep up while streams went on.
  var dropped = 0
  /// Datagrams that the kernel did not take.
  var unsent = 0
}

/// The metrics of streams, made once.
struct StreamMetrics: Sendable {
  let opened = Counter(label: "larder_streams_opened_total")
  let unanswered = Counter(label: "larder_streams_unanswered_total")
  let granted = Counter(label: "larder_streams_granted_total")
  /// A rise means too low caps or an attack.
  let refused = Counter(label: "larder_streams_refused_total")
  let replayed = Counter(label: "larder_streams_replayed_total")
  let lost = Counter(label: "larder_streams_lost_total")
  let violations = Counter(label: "larder_streams_violations_total")
  /// A rise means a flood, or a machine that is too slow.
  let dropped = Counter(label: "larder_streams_dht_dropped_total")
}

/// Why a stream ended before its time.
enum StreamFailure: Error, Equatable {
  /// Nothing came any more.
  case silent
  /// The other side broke the rules.
  case violation
  /// The other side ended it, with its reason.
  case reset(UInt64)

  init?(_ outcome: StreamOutcome) {
    switch outcome {
    case .idle: self = .silent
    case .violation: self = .violation
    case .resetByPeer(let reason) where reason != 0: self = .reset(reason)
    case .finished, .reset, .resetByPeer: return nil
    }
  }
}
