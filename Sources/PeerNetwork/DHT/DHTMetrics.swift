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
  /// Contacts of the routing table by state; no `answering` one is a lost link.
  let answering = Gauge(label: "larder_dht_contacts", dimensions: [("state", "answering")])
  let doubtful = Gauge(label: "larder_dht_contacts", dimensions: [("state", "doubtful")])
  let silent = Gauge(label: "larder_dht_contacts", dimensions: [("state", "silent")])
  /// The estimated number of nodes; a jump without news is an attack on the estimate, or a partition.
  let estimatedNodes = Gauge(label: "larder_dht_estimated_nodes")
  /// Whether the node serves the internet, 1 or 0; 0 for hours is a NAT or a firewall in the way.
  let server = Gauge(label: "larder_dht_server")
  /// Records kept for others.
  let records = Gauge(label: "larder_dht_records")
  /// Bytes that they take.
  let recordBytes = Gauge(label: "larder_dht_record_bytes")
  /// How far publishing own records is behind schedule; a rise wants more bandwidth or fewer records.
  let publishDelay = Gauge(label: "larder_dht_publish_delay_seconds")
  /// Cookies that were shown and are not valid; a rise is somebody guessing, or many changed addresses.
  let cookiesRefused = Counter(label: "larder_dht_cookies_refused_total")
  /// Requests of ours, retransmissions included.
  let requestsSent = Counter(label: "larder_dht_requests_sent_total")
  /// Requests of others that were served.
  let requestsServed = Counter(label: "larder_dht_requests_served_total")
  /// Requests of ours that nobody answered; a rise is loss, or contacts that are gone.
  let timeouts = Counter(label: "larder_dht_timeouts_total")
  /// Replies to no request of ours; a rise is an attack or very late replies.
  let repliesIgnored = Counter(label: "larder_dht_replies_ignored_total")
  /// Records in replies that failed their check; a rise is a peer that serves junk.
  let recordsRejected = Counter(label: "larder_dht_records_rejected_total")
  /// What became of the records that others wanted kept, by result (docs/PROTOCOL.md).
  let stores: [Counter] = StoreResult.allCases.map {
    Counter(label: "larder_dht_stores_total", dimensions: [("result", "\($0)")])
  }
  /// How long requests of ours took, by what they were for: look-ups are `get`.
  let gets = Self.timer("get")
  let puts = Self.timer("put")
  let finds = Self.timer("find")
  let joins = Self.timer("join")
  let punches = Self.timer("punch")

  /// What the counters were given so far: the machine counts by itself.
  struct Shown: Sendable {
    var counters = KademliaCounters()
    var cookiesRefused: UInt64 = 0
  }

  /// Shows a machine's state, and adds to the counters what is new since the last time.
  func show(
    _ status: KademliaStatus, contacts: ContactStates, cookiesRefused refused: UInt64,
    publishDelay delay: Duration, since shown: inout Shown
  ) {
    answering.record(contacts.answering)
    doubtful.record(contacts.doubtful)
    silent.record(contacts.silent)
    estimatedNodes.record(status.estimatedNodes)
    server.record(status.isServer ? 1 : 0)
    records.record(status.records)
    recordBytes.record(status.recordBytes.bytes)
    publishDelay.record(delay.components.seconds)
    let (new, old) = (status.counters, shown.counters)
    cookiesRefused.increment(by: Int64(clamping: refused &- shown.cookiesRefused))
    requestsSent.increment(by: Int64(clamping: new.requestsSent &- old.requestsSent))
    requestsServed.increment(by: Int64(clamping: new.requestsServed &- old.requestsServed))
    timeouts.increment(by: Int64(clamping: new.timeouts &- old.timeouts))
    repliesIgnored.increment(by: Int64(clamping: new.repliesIgnored &- old.repliesIgnored))
    recordsRejected.increment(by: Int64(clamping: new.recordsRejected &- old.recordsRejected))
    for result in StoreResult.allCases {
      let place = Int(result.rawValue)
      guard place < stores.count else { continue }
      stores[place].increment(by: Int64(clamping: new.count(of: result) &- old.count(of: result)))
    }
    shown = Shown(counters: new, cookiesRefused: refused)
  }

  private static func timer(_ verb: String) -> CoreMetrics.Timer {
    CoreMetrics.Timer(label: "larder_dht_request_seconds", dimensions: [("verb", verb)])
  }
}
