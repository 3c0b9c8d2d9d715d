import Cryptography
import TestSupport
import Testing
import Wire

@testable import PeerNetwork

@Suite("LAN beacon") struct BeaconTests {
  static let wall: UInt64 = 1_795_000_000_000
  static let start = Instant.zero
  let ip = IPAddress.v4(0xC0A8_0102)

  static func key(_ number: UInt8) throws -> SigningKey {
    try #require(SigningKey(seed: [UInt8](repeating: number, count: 32)))
  }

  static func beacon(
    of number: UInt8, at time: UInt64 = wall, udp: UInt16 = 7_782, tcp: UInt16 = 7_782,
    network: String = "lab"
  ) throws -> [UInt8] {
    let key = try key(number)
    return Beacon(key: key.publicKey, udpPort: udp, tcpPort: tcp, time: time, nonce: 9)
      .encoded(network: network, with: key)
  }

  static func ledger() throws -> BeaconLedger {
    BeaconLedger(key: try key(1).publicKey, network: "lab", now: start)
  }

  @Test func aBeaconIsReadAsItWasWritten() throws {
    let key = try Self.key(7)
    let beacon = Beacon(
      key: key.publicKey, udpPort: 1_000, tcpPort: 2_000, time: Self.wall, nonce: .max)
    let bytes = beacon.encoded(network: "lab", with: key)
    #expect(bytes.count == Beacon.length)
    #expect(try Beacon(parsing: bytes) == beacon)
    try Beacon.verify(bytes, network: "lab")
    #expect(throws: Beacon.DecodeError.badSignature) {
      try Beacon.verify(bytes, network: "other")
    }
  }

  /// What Tests/Vectors/make-beacon made without any of this code.
  private struct Known: Decodable {
    let seed: String
    let key: String
    let network: String
    let udpPort: UInt16
    let tcpPort: UInt16
    let time: UInt64
    let nonce: UInt64
    let beacon: String
  }

  @Test func theKnownBeaconIsReadAndWritten() throws {
    let known = try KnownVectors.read("beacon.json", as: Known.self)
    let seed = try #require(Bytes32(hex: known.seed)).bytes
    let key = try #require(SigningKey(seed: seed))
    let bytes = try KnownVectors.bytes(known.beacon)
    let beacon = try Beacon(parsing: bytes)
    #expect(beacon.key.bytes.hex == known.key)
    #expect([beacon.udpPort, beacon.tcpPort] == [known.udpPort, known.tcpPort])
    #expect([beacon.time, beacon.nonce] == [known.time, known.nonce])
    try Beacon.verify(bytes, network: known.network)
    // Ed25519 signs the same bytes the same way each time.
    #expect(beacon.encoded(network: known.network, with: key) == bytes)
  }

  @Test(arguments: 0..<Beacon.length)
  func anAlteredByteIsNoticed(place: Int) throws {
    var bytes = try Self.beacon(of: 7)
    bytes[place] ^= 0x10
    var ledger = try Self.ledger()
    var random = SplitMix64(seed: 1)
    let verdict = ledger.receive(
      bytes, from: ip, now: Self.start, wall: Self.wall, using: &random)
    if case .heard = verdict { Issue.record("byte \(place) does not matter") }
    #expect(ledger.neighbours(now: Self.start) == [])
  }

  @Test(arguments: 0..<300)
  func anyOtherLengthIsRefused(length: Int) throws {
    guard length != Beacon.length else { return }
    let bytes = Array((try Self.beacon(of: 7) + [UInt8](repeating: 0, count: 300)).prefix(length))
    #expect(throws: Beacon.DecodeError.badLength(length)) { try Beacon(parsing: bytes) }
  }

  @Test func aNeighbourIsNewOnceAndAgainAtAnotherAddress() throws {
    var ledger = try Self.ledger()
    var random = SplitMix64(seed: 2)
    func hear(
      _ time: UInt64, _ ip: IPAddress, _ now: Instant = Self.start
    ) throws -> BeaconLedger.Verdict {
      ledger.receive(
        try Self.beacon(of: 7, at: time), from: ip, now: now, wall: Self.wall, using: &random)
    }
    let here = BeaconLedger.Neighbour(
      key: try Self.key(7).publicKey, ip: ip, udpPort: 7_782, tcpPort: 7_782)
    #expect(try hear(Self.wall, ip) == .heard(here, isNew: true))
    #expect(try hear(Self.wall + 1, ip) == .heard(here, isNew: false))
    let moved = IPAddress.v4(0xC0A8_0103)
    let later = Self.start + .seconds(2)
    guard case .heard(_, isNew: true) = try hear(Self.wall + 2, moved, later) else {
      Issue.record("a moved neighbour is not new")
      return
    }
    #expect(ledger.neighbours(now: later).map(\.ip) == [moved])
  }

  @Test func whoIsHeardOnTwoNetworksIsNewOnceOnEach() throws {
    var ledger = try Self.ledger()
    var random = SplitMix64(seed: 6)
    let other = IPAddress.v4(0x0A00_0102)
    var news = 0
    for round in 0..<20 {
      let now = Self.start + .seconds(round * 60)
      let wall = Self.wall + UInt64(round) * 60_000
      // Either may arrive first, and then the earlier one is stale.
      let order: [(UInt64, IPAddress)] = [(wall, ip), (wall + 1, other)]
      for (time, from) in round % 5 == 4 ? order.reversed() : order {
        let verdict = ledger.receive(
          try Self.beacon(of: 7, at: time), from: from, now: now, wall: wall, using: &random)
        if case .heard(_, isNew: true) = verdict { news += 1 }
      }
      #expect(ledger.neighbours(now: now).map(\.ip) == [round % 5 == 4 ? other : ip])
    }
    #expect(news == 2)
  }

  @Test func aNeighbourHasFewAddressesAndMayTurnItsClockBack() throws {
    var ledger = try Self.ledger()
    var random = SplitMix64(seed: 7)
    for number in 0..<20 as Range<UInt32> {
      _ = ledger.receive(
        try Self.beacon(of: 7, at: Self.wall + UInt64(number)), from: .v4(0xC0A8_0100 + number),
        now: Self.start, wall: Self.wall, using: &random)
    }
    #expect(ledger.neighbours(now: Self.start).map(\.ip) == [.v4(0xC0A8_0100)])
    let verdict = ledger.receive(
      try Self.beacon(of: 7, at: Self.wall - 1_000), from: ip, now: Self.start + .seconds(901),
      wall: Self.wall, using: &random)
    guard case .heard(_, isNew: true) = verdict else {
      Issue.record("\(verdict)")
      return
    }
  }

  @Test func replaysOtherNetworksAndOurOwnBeaconsAreIgnored() throws {
    var ledger = try Self.ledger()
    var random = SplitMix64(seed: 3)
    func hear(_ bytes: [UInt8], wall: UInt64 = Self.wall) -> BeaconLedger.Verdict {
      ledger.receive(bytes, from: ip, now: Self.start, wall: wall, using: &random)
    }
    let bytes = try Self.beacon(of: 7)
    guard case .heard = hear(bytes) else {
      Issue.record("the first is not heard")
      return
    }
    #expect(hear(bytes) == .stale)
    #expect(hear(try Self.beacon(of: 7, at: Self.wall - 1)) == .stale)
    #expect(hear(try Self.beacon(of: 8), wall: Self.wall + 601_000) == .stale)
    #expect(hear(try Self.beacon(of: 8), wall: Self.wall - 601_000) == .stale)
    #expect(hear(try Self.beacon(of: 8, network: "other")) == .refused(.badSignature))
    #expect(hear(try Self.beacon(of: 8, udp: 0)) == .refused(.badPort))
    #expect(hear(try Self.beacon(of: 1)) == .own)
    #expect(ledger.neighbours(now: Self.start).count == 1)
  }

  @Test func aFloodCostsOnlySoManyChecksAndSoMuchMemory() throws {
    var ledger = try Self.ledger()
    var random = SplitMix64(seed: 4)
    var counts: [String: Int] = [:]
    // Forged ones cost a check each, and nothing is checked beyond the budget.
    for number in 0..<200 {
      var bytes = try Self.beacon(of: UInt8(truncatingIfNeeded: number))
      bytes[56] ^= 1
      let verdict = ledger.receive(
        bytes, from: ip, now: Self.start, wall: Self.wall, using: &random)
      counts["\(verdict)", default: 0] += 1
    }
    #expect(counts["refused(PeerNetwork.Beacon.DecodeError.badSignature)"] == 20)
    #expect(counts["overBudget"] == 179)
    for second in 1...100 {
      for number in 0..<5 {
        let seed = (0..<32).map { UInt8(truncatingIfNeeded: second * 5 + number >> ($0 % 4 * 4)) }
        let key = try #require(SigningKey(seed: seed))
        let bytes = Beacon(
          key: key.publicKey, udpPort: 1, tcpPort: 1, time: Self.wall, nonce: random.next()
        ).encoded(network: "lab", with: key)
        _ = ledger.receive(
          bytes, from: ip, now: Self.start + .seconds(second), wall: Self.wall, using: &random)
      }
    }
    #expect(ledger.neighbours(now: Self.start + .seconds(100)).count <= BeaconLedger.capacity)
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func sendingIsRareWhateverIsHeard(seed: UInt64) throws {
    var ledger = try Self.ledger()
    var random = SplitMix64(seed: seed)
    var sent: [Instant] = []
    var now = Self.start
    for step in 0..<600 {
      now = now + .milliseconds(Int64.random(in: 1...1_000, using: &random))
      if random.next() % 4 == 0 {
        let number = UInt8(random.next() % 200) + 2
        let wall = Self.wall + UInt64(step)
        _ = ledger.receive(
          try Self.beacon(of: number, at: wall), from: ip, now: now, wall: wall, using: &random)
      }
      if ledger.nextSending <= now {
        sent.append(now)
        ledger.noteSent(now: now, using: &random)
      }
    }
    for (first, second) in zip(sent, sent.dropFirst()) {
      #expect(second - first >= BeaconLedger.leastGap)
    }
    #expect(ledger.nextSending - now <= BeaconLedger.interval * 2)
  }

  @Test func aSilentNeighbourIsForgotten() throws {
    var ledger = try Self.ledger()
    var random = SplitMix64(seed: 5)
    _ = ledger.receive(
      try Self.beacon(of: 7), from: ip, now: Self.start, wall: Self.wall, using: &random)
    #expect(ledger.neighbours(now: Self.start + .seconds(899)).count == 1)
    #expect(ledger.neighbours(now: Self.start + .seconds(901)).isEmpty)
  }

  @Test func providersOfTheLocalNetworkComeFirstWithTheirAddressThere() throws {
    let neighbours = Neighbours()
    let near = try Self.key(7).publicKey
    let far = try Self.key(8).publicKey
    neighbours.replace(with: [.init(key: near, ip: ip, udpPort: 1, tcpPort: 2)])
    let outside = Address(ip: .v4(0x0102_0304), port: 7_782)
    let ordered = neighbours.order([
      .init(key: far, addresses: [outside]), .init(key: near, addresses: [outside]),
    ])
    #expect(ordered.map(\.key) == [near, far])
    #expect(ordered.first?.addresses == [Address(ip: ip, port: 2), outside])
    #expect(ordered.last?.addresses == [outside])
  }

  @Test func localIsPrivateOrHeard() throws {
    let neighbours = Neighbours()
    for text in ["127.0.0.1", "10.1.2.3", "192.168.7.8", "172.31.0.1", "169.254.1.1", "fd00::1"] {
      #expect(neighbours.isLocal(try #require(IPAddress(text))), "\(text)")
    }
    for text in ["100.64.0.1", "172.32.0.1", "8.8.8.8", "2001:db8::1"] {
      #expect(!neighbours.isLocal(try #require(IPAddress(text))), "\(text)")
    }
    let outside = try #require(IPAddress("8.8.8.8"))
    neighbours.replace(with: [
      .init(key: try Self.key(7).publicKey, ip: outside, udpPort: 1, tcpPort: 2)
    ])
    #expect(neighbours.isLocal(outside))
  }
}
