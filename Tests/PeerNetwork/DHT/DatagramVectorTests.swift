import Cryptography
import DHT
import TestSupport
import Testing
import Wire

@testable import PeerNetwork

/// Datagrams that Tests/Vectors/make-datagrams made without any of this code.
@Suite("Known datagrams") struct DatagramVectorTests {
  struct Vectors: Decodable {
    let network: String
    let alice: Node
    let bob: Node
    let datagrams: [Known]
    let refused: [Refused]
  }

  struct Node: Decodable {
    let seed: String
    let key: String
    let id: String
  }

  struct Refused: Decodable {
    let name: String
    let datagram: String
    let why: String
  }

  struct Known: Decodable {
    let name: String
    let payload: String
    let fields: Fields
    let transaction: String
    let client: Bool
    let cookieInReply: String
    let message: String
    let cookieInHeader: String
    let datagram: String
  }

  struct Fields: Decodable {
    let keys: [String]?
    let kind: UInt32?
    let issuers: [String]?
    let cursor: UInt64?
    let observed: String?
    let contacts: [Named]?
    let records: [Entry]?
    let next: UInt64?
    let results: [UInt32]?
    let digests: [Number]?
    let lacking: [Int]?
    let code: UInt32?
    let peer: String?
    let address: String?
    let later: Bool?
    let asked: Bool?
    let roundTrip: Int64?
  }

  struct Named: Decodable {
    let key: String
    let address: String
  }

  /// A record alone, or with its kind.
  struct Entry: Decodable {
    let kind: UInt32?
    let record: String

    private enum Keys: CodingKey { case kind, record }

    init(from decoder: any Decoder) throws {
      if let text = try? decoder.singleValueContainer().decode(String.self) {
        kind = nil
        record = text
        return
      }
      let fields = try decoder.container(keyedBy: Keys.self)
      kind = try fields.decode(UInt32.self, forKey: .kind)
      record = try fields.decode(String.self, forKey: .record)
    }
  }

  /// A number, as text where JSON would round it.
  struct Number: Decodable {
    let value: UInt64

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        value = try #require(UInt64(text))
      } else {
        value = try container.decode(UInt64.self)
      }
    }
  }

  let vectors: Vectors
  let bob: SigningKey

  init() throws {
    vectors = try KnownVectors.read("datagrams.json")
    bob = try #require(SigningKey(seed: try KnownVectors.bytes(vectors.bob.seed)))
  }

  @Test func keysAndIdsAreTheKnownOnes() throws {
    for node in [vectors.alice, vectors.bob] {
      let key = try #require(SigningKey(seed: try KnownVectors.bytes(node.seed))).publicKey
      #expect(key.bytes.hex == node.key)
      #expect(NodeID(of: key).bytes.hex == node.id)
    }
  }

  @Test func eachIsOpenedReadAndWrittenAgain() throws {
    var sessions = sessions()
    let sender = try #require(Address("127.0.0.1:1"))
    #expect(vectors.datagrams.count >= 21)
    for known in vectors.datagrams {
      let packet = try KnownVectors.bytes(known.datagram)
      #expect(try DatagramBox.header(of: packet).cookie.hex == known.cookieInHeader)
      let opened = try sessions.open(packet, from: sender, now: .zero)
      #expect(opened.message.hex == known.message, "\(known.name)")
      #expect(opened.sender.bytes.hex == vectors.alice.key)
      let expected = Message(
        transaction: try #require(UInt64(known.transaction)), isClient: known.client,
        body: try body(known))
      let decoded = try DHTCodec.decode(opened.message)
      #expect(decoded.message == expected, "\(known.name)")
      #expect((decoded.cookie ?? []).hex == known.cookieInReply, "\(known.name)")
      let again = DHTCodec.encode(
        expected, cookie: decoded.cookie, length: opened.message.count)
      #expect(again.hex == known.message, "\(known.name)")
    }
  }

  @Test func eachOfTheOthersIsRefusedForItsReason() throws {
    var sessions = sessions()
    let sender = try #require(Address("127.0.0.1:1"))
    #expect(vectors.refused.count >= 30)
    for refused in vectors.refused {
      let packet = try KnownVectors.bytes(refused.datagram)
      let opened: DatagramSessions.Opened
      do {
        opened = try sessions.open(packet, from: sender, now: .zero)
      } catch {
        let reason =
          switch error {
          case .malformed: "malformed"
          case .forged: "forged"
          case .overBudget: "over budget"
          }
        #expect(reason == refused.why, "\(refused.name)")
        continue
      }
      #expect(refused.why == "message", "\(refused.name)")
      #expect(throws: DHTCodec.DecodeError.self, "\(refused.name)") {
        try DHTCodec.decode(opened.message)
      }
    }
  }

  private func sessions() -> DatagramSessions {
    DatagramSessions(
      identity: bob, network: vectors.network, capacity: 64, strangersPerSecond: 100)
  }

  private func body(_ known: Known) throws -> Message.Body {
    let fields = known.fields
    let keys = try (fields.keys ?? []).map { try #require(Bytes32(hex: $0)) }
    let contacts = try (fields.contacts ?? []).map { contact in
      Contact(
        key: PublicKey(try #require(Bytes32(hex: contact.key))),
        address: try #require(Address(compact: try KnownVectors.bytes(contact.address))))
    }
    let observed = try fields.observed.map {
      try #require(Address(compact: try KnownVectors.bytes($0)))
    }
    let records = try (fields.records ?? []).map { try KnownVectors.bytes($0.record) }
    let peer = try fields.peer.map { PublicKey(try #require(Bytes32(hex: $0))) }
    let address = try fields.address.map {
      try #require(Address(compact: try KnownVectors.bytes($0)))
    }
    switch known.payload {
    case "ping": return .ping
    case "pong": return .pong(observed: observed)
    case "find": return .find(keys)
    case "found": return .found(contacts, observed: observed)
    case "get":
      let issuers = try (fields.issuers ?? []).map { try #require(UInt64($0, radix: 16)) }
      let kind = try #require(RecordKind(rawValue: fields.kind ?? 0))
      return .get(GetRequest(keys: keys, kind: kind, issuers: issuers, cursor: fields.cursor ?? 0))
    case "got":
      return .got(GetReply(records: records, next: fields.next ?? 0, contacts: contacts))
    case "store":
      let kinds = try (fields.records ?? []).map {
        try #require(RecordKind(rawValue: $0.kind ?? 0))
      }
      return .store(zip(kinds, records).map { EncodedRecord(kind: $0, bytes: $1) })
    case "stored":
      return .stored(try (fields.results ?? []).map { try #require(StoreResult(rawValue: $0)) })
    case "have": return .have((fields.digests ?? []).map(\.value))
    case "lacking": return .lacking(fields.lacking ?? [])
    case "reach":
      let contact = try address.map { Contact(key: try #require(peer), address: $0) }
      return .reach(contact, isLater: fields.later ?? false)
    case "reaching": return .reaching(isAsked: fields.asked ?? false)
    case "punch":
      return .punch(
        PunchRequest(
          peer: try #require(peer), address: address,
          roundTrip: .microseconds(fields.roundTrip ?? 0)))
    case "punching": return .punching(address)
    case "error": return .refused(fields.code ?? 0)
    default: throw UnknownPayload(name: known.payload)
    }
  }

  private struct UnknownPayload: Error {
    let name: String
  }
}
