import CoreMetrics
import DHT
import Metrics
import Wire

/// The DHT's metrics, made once.
struct DHTMetrics: Sendable {
  /// Datagrams that came in; a rise without requests of ours is a flood.
  let received = Counter(label: "larder_dht_datagrams_received_total")
  /// Datagrams that went out.
  let sent = Counter(label: "larder_dht_datagrams_sent_total")
  /// Bytes of UDP payload that went out.
  let sentBytes = Counter(label: "larder_dht_sent_bytes")
  /// Datagrams that were none of ours or broke a bound; a rise is noise or somebody probing.
  let malformed = Counter(label: "larder_dht_datagrams_malformed_total")
  /// Datagrams with a wrong tag; a rise is an attack or a peer in another network.
  let forged = Counter(label: "larder_dht_datagrams_forged_total")
  /// Datagrams dropped because strangers had their key agreements; a rise is a flood of keys.
  let overBudget = Counter(label: "larder_dht_strangers_dropped_total")
  /// Datagrams not sent because the socket was full or has no way there.
  let unsent = Counter(label: "larder_dht_datagrams_unsent_total")
  /// Nodes in the routing table that answer; a fall to zero is a lost link.
  let contacts = Gauge(label: "larder_dht_contacts")
  /// Records kept for others.
  let records = Gauge(label: "larder_dht_records")
  /// Bytes that they take.
  let recordBytes = Gauge(label: "larder_dht_record_bytes")
  /// How far publishing own records is behind schedule; a rise wants more bandwidth or fewer records.
  let publishDelay = Gauge(label: "larder_dht_publish_delay_seconds")
  /// How long requests of ours took.
  let requests = CoreMetrics.Timer(label: "larder_dht_request_seconds")

  /// Shows a machine's state.
  func show(_ status: KademliaStatus, publishDelay delay: Duration) {
    contacts.record(status.liveContacts)
    records.record(status.records)
    recordBytes.record(status.recordBytes.bytes)
    publishDelay.record(delay.components.seconds)
  }
}
