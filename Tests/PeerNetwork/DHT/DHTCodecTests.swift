import Cryptography
import DHT
import Testing
import Wire

@testable import PeerNetwork

@Suite struct DHTCodecTests {
  static func contact(_ random: inout SplitMix64) -> Contact {
    let ip: IPAddress =
      Bool.random(using: &random)
      ? .v4(0x0A00_0000 | UInt32.random(in: 1..<1 << 20, using: &random))
      : .v6(0x2A00_0000_0000_0000, random.next())
    return Contact(
      key: PublicKey(.random(using: &random)),
      address: Address(ip: ip, port: UInt16.random(in: 1...65_535, using: &random)))
  }

  static func message(_ random: inout SplitMix64) -> Message {
    let count = Int.random(in: 1...10, using: &random)
    var keys: [Bytes32] = []
    var contacts: [Contact] = []
    var records: [[UInt8]] = []
    for _ in 0..<count {
      keys.append(.random(using: &random))
      contacts.append(contact(&random))
      let size = Int.random(in: 1...60, using: &random)
      records.append((0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }
    let bodies: [Message.Body] = [
      .ping, .find(keys),
      .get(
        GetRequest(
          keys: keys, kind: .provider, issuers: [random.next(), 1], cursor: random.next())),
      .store(records.map { EncodedRecord(kind: .statement, bytes: $0) }),
      .have([random.next(), 0, .max]), .pong(observed: contacts[0].address), .pong(observed: nil),
      .found(contacts, observed: contacts[0].address),
      .got(GetReply(records: records, next: random.next(), contacts: contacts)),
      .stored(StoreResult.allCases), .lacking([0, 5, 95]), .refused(7),
      .reach(nil, isLater: true), .reach(contacts[0], isLater: false), .reaching(isAsked: true),
      .punch(PunchRequest(peer: contacts[0].key, address: nil, roundTrip: .zero)),
      .punch(
        PunchRequest(
          peer: contacts[0].key, address: contacts[0].address, roundTrip: .milliseconds(80))),
      .punching(nil), .punching(contacts[0].address),
    ]
    let body = bodies[Int.random(in: 0..<bodies.count, using: &random)]
    return Message(
      transaction: random.next(), isClient: Bool.random(using: &random), body: body)
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func whatIsEncodedIsReadBack(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let message = Self.message(&random)
    let cookie = [UInt8](repeating: 3, count: 16)
    let read = try DHTCodec.decode(DHTCodec.encode(message, cookie: cookie))
    #expect(read == DHTCodec.Decoded(message: message, cookie: cookie))
  }

  @Test(arguments: [50, 130, 150, 151, 152, 200, 281, 811, 1_143])
  func paddingReachesTheLengthWithinAByte(length: Int) throws {
    let message = Message(transaction: 1, isClient: false, body: .find([.zero]))
    let bytes = DHTCodec.encode(message, length: length)
    #expect((length - 1...length).contains(bytes.count))
    #expect(try DHTCodec.decode(bytes).message == message)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func alteredBytesNeverTrap(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var bytes = DHTCodec.encode(Self.message(&random))
    for _ in 0..<20 {
      guard !bytes.isEmpty else { break }
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 1: bytes.remove(at: place)
      default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
      }
      _ = try? DHTCodec.decode(bytes)
    }
    _ = try? DHTCodec.decode((0..<500).map { _ in UInt8(truncatingIfNeeded: random.next()) })
  }

  @Test func thePaddedPingLeavesRoomForTheLongestPong() {
    let far = Address(ip: .v6(.max, .max), port: .max)
    for body: Message.Body in [.pong(observed: far), .punching(far), .reaching(isAsked: true)] {
      let reply = Message(transaction: .max, isClient: true, body: body)
      let cookie = [UInt8](repeating: 1, count: AddressCookie.length)
      let length = DHTCodec.encode(reply, cookie: cookie).count
      #expect(length <= MessageSize.paddedLength(.ping), "\(body)")
    }
  }

  @Test func truncationIsAnErrorOrAShorterMessageButNeverATrap() {
    var random = SplitMix64(seed: 5)
    for _ in 0..<30 {
      let bytes = DHTCodec.encode(Self.message(&random))
      for length in bytes.indices { _ = try? DHTCodec.decode(Array(bytes[..<length])) }
    }
    #expect(throws: DHTCodec.DecodeError.malformed) { try DHTCodec.decode([]) }
  }

  @Test func countsAndLengthsAreBounded() {
    let key = Bytes32.zero
    let bodies: [(Message.Body, DHTCodec.DecodeError)] = [
      (.find([Bytes32](repeating: key, count: 25)), .tooMany(25, limit: 24)),
      (.find([]), .malformed),
      (
        .get(
          GetRequest(
            keys: [key], kind: .statement, issuers: [UInt64](repeating: 0, count: 9))),
        .tooMany(9, limit: 8)
      ),
      (.get(GetRequest(keys: [], kind: .statement, issuers: [])), .malformed),
      (.have([UInt64](repeating: 0, count: 97)), .tooMany(97, limit: 96)),
      (
        .store([EncodedRecord](repeating: .init(kind: .provider, bytes: [1]), count: 17)),
        .tooMany(17, limit: 16)
      ),
      (.store([EncodedRecord(kind: .provider, bytes: [])]), .badLength(0)),
      (
        .store([EncodedRecord(kind: .provider, bytes: [UInt8](repeating: 0, count: 1_001))]),
        .badLength(1_001)
      ),
      (.stored([StoreResult](repeating: .stored, count: 17)), .tooMany(17, limit: 16)),
    ]
    for (body, error) in bodies {
      let bytes = DHTCodec.encode(Message(transaction: 1, isClient: false, body: body))
      #expect(throws: error) { try DHTCodec.decode(bytes) }
    }
  }

  @Test func aMessageOverADatagramIsRefused() {
    let bytes = DHTCodec.encode(
      Message(transaction: 1, isClient: false, body: .ping), length: DatagramBox.capacity + 9)
    #expect(throws: DHTCodec.DecodeError.malformed) { try DHTCodec.decode(bytes) }
  }

  @Test func unknownFieldsAreSkippedAndUnknownPayloadsRefused() throws {
    let message = Message(transaction: 9, isClient: false, body: .ping)
    // Field 100, four bytes long.
    let unknown: [UInt8] = [0xA2, 0x06, 0x04, 1, 2, 3, 4]
    #expect(try DHTCodec.decode(DHTCodec.encode(message) + unknown).message == message)
    #expect(throws: DHTCodec.DecodeError.malformed) { try DHTCodec.decode([0x08, 0x01] + unknown) }
  }

  @Test func contactsThatNobodyCanBeAtAreLeftOut() throws {
    let key = PublicKey(Bytes32.zero)
    var contacts: [Contact] = []
    for text in ["0.0.0.0:1", "224.0.0.1:1", "255.255.255.255:1", "[::]:1", "[ff02::1]:1"] {
      contacts.append(Contact(key: key, address: try #require(Address(text))))
    }
    let good = Contact(key: key, address: try #require(Address("127.0.0.1:1")))
    let bytes = DHTCodec.encode(
      Message(transaction: 1, isClient: false, body: .found(contacts + [good], observed: nil)))
    #expect(try DHTCodec.decode(bytes).message.body == .found([good], observed: nil))
  }

  @Test func whatIsWrittenDownIsReadBack() throws {
    var random = SplitMix64(seed: 3)
    let contacts = (0..<20).map { _ in Self.contact(&random) }
    #expect(try DHTState.contacts(from: DHTState.encode(contacts: contacts)) == contacts)
    var publisher = Publisher()
    let issuer = try Loopback.key(1)
    for number in 0..<10 as Range<UInt64> {
      let bytes = try TestStatements.make(
        key: .random(using: &random), sequence: number, expires: Timestamp(2_000), with: issuer)
      publisher.add(
        try TestStatements().validate(bytes, kind: .statement, now: Timestamp(0)),
        now: Timestamp(5))
      publisher.announce(ContentRoot(.random(using: &random)), now: Timestamp(6))
    }
    #expect(try DHTState.publisher(from: DHTState.encode(publisher: publisher)) == publisher)
    for bytes in [[1, 2, 3], [0x0A, 0x02, 0x0A, 0x00]] as [[UInt8]] {
      #expect(throws: DHTState.DecodeError.malformed) { try DHTState.contacts(from: bytes) }
      #expect(throws: DHTState.DecodeError.malformed) { try DHTState.publisher(from: bytes) }
    }
  }
}
