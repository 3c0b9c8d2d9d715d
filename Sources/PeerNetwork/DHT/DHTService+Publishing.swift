public import Cryptography
import DHT
import Logging
public import Wire

/// Own records: stored now, and again before others forget them.
extension DHTService {
  /// Publishes signed statements and keeps them published, and announces blobs in the same round: who
  /// finds a statement finds where its file is. Returns for each statement how many nodes store it.
  ///
  /// One that the validator refuses, or that is older than what we publish, is stored nowhere.
  /// Cancellation leaves the rest due: the next sweep publishes it.
  public func publish(
    statements: [[UInt8]], announcing roots: [ContentRoot] = []
  ) async -> [Int] {
    let wall = wallClock()
    var items: [Publisher.Item] = []
    var places: [Int] = []
    for root in roots {
      publisher.announce(root, now: wall)
      items.append(Publisher.Item(key: root.bytes, content: .announcement, due: wall, storedOn: 0))
    }
    for (place, bytes) in statements.enumerated() {
      do {
        let record = try validator.validate(bytes, kind: .statement, now: wall)
        publisher.add(record, now: wall)
        items.append(
          Publisher.Item(key: record.key, content: .statement(record), due: wall, storedOn: 0))
        places.append(place)
      } catch {
        log.warning("own statement not published", metadata: ["reason": "\(error)"])
      }
    }
    var storedOn = [Int](repeating: 0, count: statements.count)
    let counts = await put(items, wall: wall)
    for (place, count) in zip(places, counts.suffix(places.count)) { storedOn[place] = count ?? 0 }
    publishWake?.yield()
    return storedOn
  }

  /// Announces blobs that this node has and keeps announcing them; published by the next sweep.
  public func announce(_ roots: [ContentRoot]) {
    let wall = wallClock()
    for root in roots { publisher.announce(root, now: wall) }
    publishWake?.yield()
  }

  /// About how many of these fingerprints some node keeps a statement of ours.
  public func statementsStored(about keys: [Bytes32]) -> Int {
    keys.count { publisher.isStored($0) }
  }

  /// Stops announcing blobs; what was announced ends within `Limits.providerLife`.
  public func stopAnnouncing(_ roots: [ContentRoot]) {
    for root in roots { publisher.stopAnnouncing(root) }
  }

  /// The addresses that announcements name: the configured ones, else what a router maps to us and what
  /// others see of us.
  public var advertisedAddresses: [Address] {
    guard settings.advertised.isEmpty else {
      return Array(settings.advertised.prefix(Limits.addressesPerProvider))
    }
    let port = settings.transferPort ?? boundAddress?.port
    guard let port else { return [] }
    guard let ip = machine.observedAddress?.ip else { return mappedAddress.map { [$0] } ?? [] }
    guard let mappedAddress else { return [Address(ip: ip, port: port)] }
    // Behind the router that maps a port, another port of the same address is nobody's. What a router
    // says and nobody sees comes last: it may be another one than that which we speak through.
    return mappedAddress.ip == ip
      ? [mappedAddress] : [Address(ip: ip, port: port), mappedAddress]
  }

  /// Publishes what is due, a batch at a time.
  func keepPublishing() async {
    while !Task.isCancelled {
      let wait = await publishDue() ? Duration.milliseconds(100) : pauseBeforePublishing
      let (stream, continuation) = AsyncStream<Void>.makeStream(
        bufferingPolicy: .bufferingNewest(1))
      publishWake = continuation
      await Self.pause(wait, or: stream, continuation)
      publishWake = nil
    }
  }

  /// Until the next item is due, within reason: the wall clock may be set.
  private var pauseBeforePublishing: Duration {
    guard let next = publisher.nextDue else { return .seconds(60) }
    return min(max(next - wallClock(), .seconds(1)), .seconds(60))
  }

  /// Publishes one batch; whether there may be more.
  private func publishDue() async -> Bool {
    guard !machine.isIsolated else { return false }
    let wall = wallClock()
    let due = publisher.due(now: wall, limit: settings.publishBatch)
    let counts = await put(due, wall: wall)
    guard counts.contains(where: { $0 != nil }) else { return false }
    log.debug("dht published", metadata: ["records": "\(due.count)"])
    return due.count == settings.publishBatch
  }

  /// Stores these items and notes how that went; for each, how many nodes store it, nil if it could
  /// not be tried.
  private func put(_ items: [Publisher.Item], wall: Timestamp) async -> [Int?] {
    var counts = [Int?](repeating: nil, count: items.count)
    var records: [Record] = []
    var places: [Int] = []
    let addresses = advertisedAddresses
    for (place, item) in items.enumerated() {
      guard let record = record(for: item, addresses: addresses, wall: wall) else { continue }
      records.append(record)
      places.append(place)
    }
    guard !records.isEmpty, case .stored(let stored)? = await perform(.put(records)) else {
      return counts
    }
    for (place, count) in zip(places, stored) {
      counts[place] = count
      publisher.published(items[place], storedOn: count, now: wallClock())
    }
    return counts
  }

  private func record(
    for item: Publisher.Item, addresses: [Address], wall: Timestamp
  ) -> Record? {
    switch item.content {
    case .statement(let record): return record
    case .announcement:
      guard !addresses.isEmpty else { return nil }
      return try? ProviderRecord(
        root: ContentRoot(item.key), addresses: addresses, role: settings.role, relays: relays,
        created: wall, with: identity
      ).record
    }
  }
}
