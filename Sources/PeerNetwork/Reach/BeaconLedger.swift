import Cryptography
import Wire

/// When beacons are sent and which of those that come in count, as a value.
struct BeaconLedger: Sendable {
  /// A node of the local network.
  struct Neighbour: Equatable, Sendable {
    /// The node's key.
    let key: PublicKey
    /// Where its last beacon came from; the one known longest of several addresses that tell it.
    let ip: IPAddress
    /// Where it takes datagrams.
    let udpPort: UInt16
    /// Where it takes streams.
    let tcpPort: UInt16
  }

  /// What became of bytes that came in.
  enum Verdict: Equatable, Sendable {
    /// A neighbour, and whether it was not known at this address.
    case heard(Neighbour, isNew: Bool)
    /// No beacon of this network.
    case refused(Beacon.DecodeError)
    /// Our own beacon.
    case own
    /// Not newer than the last one of its key, or its time is too far from ours.
    case stale
    /// Beyond the signatures that are checked a second, or beyond the neighbours that are kept.
    case overBudget
  }

  private struct Entry {
    var udpPort: UInt16
    var tcpPort: UInt16
    /// The time in its last beacon.
    var time: UInt64
    /// Where its beacons come from, each address with the last one.
    var places: [(ip: IPAddress, heard: Instant)]

    func isLive(now: Instant) -> Bool { places.contains { now - $0.heard < BeaconLedger.life } }

    /// The address to use: beacons of one moment come from all addresses, and one who moved is where
    /// the last came from.
    var ip: IPAddress? {
      guard let last = places.map(\.heard).max() else { return nil }
      return places.first { last - $0.heard < BeaconLedger.leastGap }?.ip
    }
  }

  /// The pause between two beacons of a node at rest; BEP 14 has the same.
  static let interval = Duration.seconds(300)
  /// No two beacons are sent within it.
  static let leastGap = Duration.seconds(1)
  /// A neighbour is forgotten that is not heard for so long.
  static let life = Duration.seconds(900)
  /// The most neighbours that are kept.
  static let capacity = 256
  /// The most addresses of one neighbour: who shares several networks with us is heard on each.
  static let placesPerNeighbour = 4
  /// Signatures that are checked a second; this many at once as well.
  static let checksPerSecond = 20.0
  /// The beacons of a start come after these pauses, in case one is lost.
  private static let opening = [Duration.seconds(2), .seconds(10)]

  private let key: PublicKey
  private let network: String
  private var entries: [PublicKey: Entry] = [:]
  private var checks = checksPerSecond
  private var refilled: Instant
  private var sent = 0
  private var lastSent: Instant?
  /// When the next beacon is to be sent.
  private(set) var nextSending: Instant

  /// The ledger of the node with this key; its first beacon is due now.
  init(key: PublicKey, network: String, now: Instant) {
    self.key = key
    self.network = network
    refilled = now
    nextSending = now
  }

  /// The nodes that were heard within `life`.
  func neighbours(now: Instant) -> [Neighbour] {
    let live: [Neighbour] = entries.compactMap { key, entry in
      guard entry.isLive(now: now), let ip = entry.ip else { return nil }
      return Neighbour(key: key, ip: ip, udpPort: entry.udpPort, tcpPort: entry.tcpPort)
    }
    return live.sorted { $0.key < $1.key }
  }

  /// Notes that a beacon was sent.
  mutating func noteSent(now: Instant, using random: inout some RandomNumberGenerator) {
    lastSent = now
    let opening = Self.opening
    let pause = sent < opening.count ? opening[sent] : Self.interval
    sent += 1
    nextSending = now + pause * Double.random(in: 0.9...1.1, using: &random)
  }

  /// Notes that there is one more network to be heard on: sending begins anew.
  mutating func noteNetwork(now: Instant) {
    sent = 0
    nextSending = max(now, lastSent.map { $0 + Self.leastGap } ?? now)
  }

  /// Judges bytes that came from `ip`; `wall` is our clock in milliseconds since 1970.
  ///
  /// A neighbour that is new is answered soon, so that who starts later knows us at once.
  mutating func receive(
    _ bytes: [UInt8], from ip: IPAddress, now: Instant, wall: UInt64,
    using random: inout some RandomNumberGenerator
  ) -> Verdict {
    let beacon: Beacon
    do {
      beacon = try Beacon(parsing: bytes)
    } catch {
      return .refused(error)
    }
    guard beacon.key != key else { return .own }
    let skew = UInt64(Limits.clockSkew.components.seconds) * 1_000
    let distance = beacon.time > wall ? beacon.time - wall : wall - beacon.time
    // Its clock may have been set back since it was last here.
    let known = entries[beacon.key].flatMap { $0.isLive(now: now) ? $0 : nil }
    guard distance <= skew, beacon.time > known?.time ?? 0 else { return .stale }
    guard entries[beacon.key] != nil || makeRoom(now: now), takeCheck(now: now) else {
      return .overBudget
    }
    do {
      try Beacon.verify(bytes, network: network)
    } catch {
      return .refused(error)
    }
    var places = known?.places.filter { now - $0.heard < Self.life } ?? []
    let place = places.firstIndex { $0.ip == ip }
    if let place {
      places[place].heard = now
    } else {
      if places.count == Self.placesPerNeighbour { places.removeLast() }
      places.append((ip, now))
    }
    let isNew =
      place == nil || known?.udpPort != beacon.udpPort || known?.tcpPort != beacon.tcpPort
    entries[beacon.key] = Entry(
      udpPort: beacon.udpPort, tcpPort: beacon.tcpPort, time: beacon.time, places: places)
    if isNew { answerSoon(now: now, using: &random) }
    let neighbour = Neighbour(
      key: beacon.key, ip: ip, udpPort: beacon.udpPort, tcpPort: beacon.tcpPort)
    return .heard(neighbour, isNew: isNew)
  }

  /// Many may want to answer one newcomer: each waits for a random moment.
  private mutating func answerSoon(
    now: Instant, using random: inout some RandomNumberGenerator
  ) {
    let moment = now + .milliseconds(Int64.random(in: 50...500, using: &random))
    let earliest = lastSent.map { $0 + Self.leastGap } ?? moment
    nextSending = min(nextSending, max(moment, earliest))
  }

  private mutating func takeCheck(now: Instant) -> Bool {
    if now > refilled {
      let earned = (now - refilled).inSeconds * Self.checksPerSecond
      checks = min(Self.checksPerSecond, checks + earned)
      refilled = now
    }
    guard checks >= 1 else { return false }
    checks -= 1
    return true
  }

  /// Whether there is room for one more; who is silent longest goes, if silent for long.
  private mutating func makeRoom(now: Instant) -> Bool {
    guard entries.count >= Self.capacity else { return true }
    entries = entries.filter { $0.value.isLive(now: now) }
    return entries.count < Self.capacity
  }
}
