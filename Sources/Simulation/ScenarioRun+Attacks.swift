import Cryptography
import DHT
import Wire

/// The stories in which somebody means harm.
extension ScenarioRun {
  mutating func hostile() {
    build()
    var liars: [Int] = []
    var isLiar = [Bool](repeating: false, count: options.nodes)
    while liars.count < Int(Double(options.nodes) * options.hostileShare) {
      let index = Int(network.random.next() % UInt64(options.nodes))
      if !isLiar[index] {
        isLiar[index] = true
        liars.append(index)
      }
    }
    network.setLiars(liars)
    network.run(for: .seconds(600))
    let records = putRecords(lookupCount)
    measureNodes()
    _ = getRecords(records)
  }

  /// One key after another is surrounded, put and read; then its attackers go.
  mutating func eclipse() {
    build()
    measureNodes()
    let count = options.lookups ?? 200
    let readers = 4
    var found = 0.0
    var requests = 0.0
    var done = 0
    while done < count {
      let key = Bytes32.random(using: &network.random)
      let attackers = surround(key)
      let record = makeRecord(key: key)
      put([record])
      network.run(for: .seconds(10))
      let batch = [Record](repeating: record, count: min(readers, count - done))
      found += getRecords(batch) * Double(batch.count)
      requests += (report.rpcsPerLookupMean ?? 0) * Double(batch.count)
      done += batch.count
      network.setAlive(false, attackers)
      network.setLiars([])
      if done % 40 == 0 {
        progress("\(done) gets, \(ScenarioReport.text(found / Double(done))) found")
      }
    }
    report.lookups = done
    report.success = found / Double(done)
    report.rpcsPerLookupMean = requests / Double(done)
    (report.rpcsPerLookupP50, report.rttsP50, report.rttsP95) = (nil, nil, nil)
  }

  /// Adds 256 attackers nearer to a key than anybody and makes them known to the honest nodes nearest
  /// to it and to others; returns their places.
  private mutating func surround(_ key: Bytes32) -> [Int] {
    let ids = groundIDs(near: key, 256)
    let networks = (0..<options.attackerNetworks).map { _ in
      network.freshAddress().ip
    }
    var liars: [Int] = []
    for (index, id) in ids.enumerated() {
      liars.append(network.addLiar(id: id, at: hostileAddress(networks, index)))
    }
    network.setLiars(liars)
    let honest = nearestHonest(to: key, 48)
    for liar in liars {
      for target in honest { knock(from: liar, at: target) }
      for _ in 0..<8 { knock(from: liar, at: network.anyNode()) }
    }
    network.run(for: .seconds(60))
    return liars
  }

  mutating func junk() {
    build()
    measureNodes()
    let issuer = PublicKey(.random(using: &network.random))
    let calm = putRecords(50)
    _ = getRecords(calm)
    let before = report.rpcsPerLookupMean ?? 0
    let trusted = makeRecord(publisher: issuer)
    put([trusted])
    for _ in 0..<40 {
      var strangers: [Record] = []
      for _ in 0..<25 { strangers.append(makeRecord(key: trusted.key)) }
      put(strangers)
    }
    progress("a thousand statements of strangers are put")
    _ = getRecords([Record](repeating: trusted, count: 50))
    let after = report.rpcsPerLookupMean ?? 0
    report.notes.append(
      "RPCs a look-up \(ScenarioReport.text(before)) without junk, \(ScenarioReport.text(after)) with"
    )
  }

  mutating func flood() {
    build()
    let records = putRecords(lookupCount)
    let total = options.nodes >= 1_000 ? 1_000_000 : 20_000
    // Half by one issuer from everywhere under few contents, half by many from one /24.
    let issuer = PublicKey(.random(using: &network.random))
    let key = Bytes32.random(using: &network.random)
    let contents = (0..<4).map { _ in Bytes32.random(using: &network.random) }
    let near = nearestHonest(to: key, 16)
    let network24 = UInt32(truncatingIfNeeded: network.random.next()) | 0x0100_0000
    for number in 0..<total {
      let address: Address
      let record: Record
      let target: Int
      if number % 2 == 0 {
        record = makeRecord(
          key: key, publisher: issuer, slot: contents[number / 2 % 4], sequence: UInt64(number))
        target = near[number / 2 % near.count]
        address = network.freshAddress()
      } else {
        target = network.anyNode()
        record = makeRecord(key: network.nodes[target].contact.id.bytes)
        address = Address(
          ip: .v4(0x0505_0500 + (network24 & 0xFF)), port: UInt16(1_024 + number % 60_000))
      }
      let attacker = Contact(key: record.publisher, id: NodeID(record.slot), address: address)
      let store = Message.Body.store([EncodedRecord(kind: .statement, bytes: record.bytes)])
      network.inject(
        Message(transaction: UInt64(number), isClient: true, body: store), from: attacker,
        to: target)
      if number % 1_000 == 0 { network.run(for: .milliseconds(600)) }
      if number % 200_000 == 0 { progress("\(number) stores") }
    }
    var slots = 0
    for index in near {
      slots = max(slots, network.nodes[index].machine.keptRecords(under: key).count)
    }
    var share = 0
    for node in network.nodes { share = max(share, node.machine.bytesKept(from: 0x0505_0500)) }
    report.notes.append("one issuer has at most \(slots) slots for 4 contents")
    report.notes.append(
      "one network has at most \(share) bytes of a store, "
        + "\(ScenarioReport.text(Double(share) / Double(settings.storeBytes) * 100)) %")
    measureNodes()
    _ = getRecords(records)
  }

  mutating func put(_ records: [Record]) {
    let node = network.anyNode()
    let id = network.begin(.put(records), at: node)
    _ = network.run(untilEndOf: id, at: node)
    network.forget(id, at: node)
  }

  /// Ids nearer to a key than any honest node's.
  private mutating func groundIDs(near key: Bytes32, _ count: Int) -> [NodeID] {
    let best = nearestHonest(to: key, 1).first.map { network.nodes[$0].contact.id.bytes ^ key }
    let limit = max(2, best?.words.0 ?? .max)
    return (0..<count).map { _ in
      let noise = Bytes32.random(using: &network.random)
      let distance = Bytes32(
        words: (noise.words.0 % limit, noise.words.1, noise.words.2, noise.words.3))
      return NodeID(key ^ distance)
    }
  }

  /// An unused address in one of some /16 networks.
  private mutating func hostileAddress(_ networks: [IPAddress], _ index: Int) -> Address {
    while true {
      let host = UInt32(truncatingIfNeeded: network.random.next()) & 0xFFFF
      guard case .v4(let base) = networks[index % networks.count] else { continue }
      let address = Address(ip: .v4(base & 0xFFFF_0000 | host), port: 7782)
      if network.indexOfAddress[address] == nil { return address }
    }
  }

  func nearestHonest(to key: Bytes32, _ count: Int) -> [Int] {
    var all: [(distance: Bytes32, index: Int)] = []
    for (index, node) in network.nodes.enumerated() where node.isAlive && !node.isLiar {
      all.append((node.contact.id.bytes ^ key, index))
    }
    all.sort { $0.distance < $1.distance }
    return all.prefix(count).map(\.index)
  }

  private mutating func knock(from liar: Int, at target: Int) {
    let message = Message(transaction: network.random.next(), isClient: false, body: .ping)
    network.send(message, from: liar, to: network.nodes[target].contact)
  }
}
