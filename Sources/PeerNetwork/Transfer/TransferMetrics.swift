import CoreMetrics
import Metrics

/// The transfer's metrics, made once.
struct TransferMetrics: Sendable {
  /// Bytes of blocks that came in, right or wrong.
  let received = Counter(label: "larder_transfer_received_bytes_total")
  /// Bytes of blocks that went out.
  let sent = Counter(label: "larder_transfer_sent_bytes_total")
  /// Blocks with another digest than the tree has; a rise means liars or a broken disk at a peer.
  let badBlocks = Counter(label: "larder_transfer_bad_blocks_total")
  /// Peers banned.
  let bans = Counter(label: "larder_transfer_bans_total")
  /// Open connections.
  let connections = Gauge(label: "larder_transfer_connections")
  /// Connections turned away at a cap or for a ban; a rise means too low caps or an attack.
  let refused = Counter(label: "larder_transfer_connections_refused_total")
  /// Connections that ended before the first frame: no TLS, another key, another network.
  let failedHandshakes = Counter(label: "larder_transfer_handshakes_failed_total")
  /// Connections ended because the other side broke the protocol or a time.
  let violations = Counter(label: "larder_transfer_violations_total")
  /// Connections that this node opened, by the way that led there.
  private let ways = PeerWay.allCases.map { way in
    Counter(label: "larder_transfer_reached_total", dimensions: [("way", "\(way)")])
  }

  /// Notes that a node was reached.
  func reached(by way: PeerWay) {
    ways[Int(way.rawValue)].increment()
  }

  /// Fetches that ended with a complete blob.
  let fetched = Counter(label: "larder_transfer_fetches_total")
  /// Fetches that failed.
  let failed = Counter(label: "larder_transfer_fetches_failed_total")
}
