import Cryptography
import Transfer
import Wire

@testable import DHT
@testable import PeerNetwork

/// Every machine, driven by operations that are read from the bytes; their bounds must hold after each.
enum Machines {
  static let targets: [String: FuzzTarget] = [
    "kademlia": kademlia, "serve": serve, "fetch": FetchFuzz.target, "lines": LinesFuzz.target,
    "stream": StreamFuzz.machine, "opening": StreamFuzz.opening,
    "relayed": RelayFuzz.message, "relay": RelayFuzz.desk,
  ]

  /// Accepts any record that begins with its key, so that the store is reached without signatures.
  private struct Lenient: RecordValidator {
    func validate(
      _ bytes: [UInt8], kind: RecordKind, now: Timestamp
    ) throws(RecordRejection) -> Record {
      guard bytes.count >= 4 else { throw .malformed }
      let number = UInt64(bytes[0]) << 56
      let issuer = UInt64(bytes[1] % 32)
      return Record(
        key: Bytes32(words: (number, 0, 0, 0)), kind: kind,
        publisher: PublicKey(Bytes32(words: (issuer, 1, 1, 1))),
        slot: Bytes32(words: (UInt64(bytes[2]), 0, 0, 0)), sequence: UInt64(bytes[3]),
        expires: now + .seconds(3_600), bytes: bytes)
    }
  }

  private static let kademlia: FuzzTarget = { bytes in
    var script = Script(bytes)
    var settings = KademliaSettings()
    settings.storeBytes = 16 << 10
    settings.callLimit = 64
    let kind = script.number()
    settings.provesReach = kind & 1 != 0
    settings.isClient = kind & 2 != 0
    var now = Instant.zero
    let wall = Timestamp(1_800_000_000)
    var random = SplitMix64(seed: 1)
    var machine = Kademlia(
      key: PublicKey(Bytes32(words: (9, 9, 9, 9))), settings: settings, validator: Lenient(),
      now: now)
    var asked: [(Message, Contact)] = []
    var open: [RequestID] = []
    while let operation = script.byte() {
      var actions: [Action] = []
      switch operation % 8 {
      case 0:
        now = now + .milliseconds(Int64(script.number()) * 40)
        actions = machine.tick(now: now, wall: wall, using: &random)
      case 1:
        let (id, begun) = machine.begin(
          request(&script), now: now, wall: wall, using: &random)
        open.append(id)
        actions = begun
      case 2:
        if operation & 24 == 24 {
          actions = machine.leave(now: now, wall: wall, using: &random)
        } else if let id = open.popLast() {
          machine.cancel(id)
        }
      case 3, 4:
        // The reply that was asked for, whatever it says.
        guard !asked.isEmpty else { continue }
        let (message, contact) = asked.remove(at: Int(script.number()) % asked.count)
        let length = Int(script.number())
        let body =
          (try? DHTCodec.decode(script.bytes(length)).message.body)
          ?? .found([script.contact(), script.contact()], observed: nil)
        actions = machine.receive(
          Message(transaction: message.transaction, isClient: false, body: body),
          from: Origin(contact: contact, isProven: true, replyBudget: 1_100), now: now, wall: wall,
          using: &random)
      default:
        let length = Int(script.number()) * 4
        let payload = script.bytes(length)
        let message =
          (try? DHTCodec.decode(payload).message)
          ?? Message(
            transaction: 1, isClient: false,
            body: .store([EncodedRecord(kind: .statement, bytes: payload)]))
        let origin = Origin(
          contact: script.contact(), isProven: operation & 8 == 0,
          replyBudget: min(1_124, 100 + length * 5))
        actions = machine.receive(message, from: origin, now: now, wall: wall, using: &random)
      }
      for case .send(let message, let contact) in actions {
        let encoded = DHTCodec.encode(message, cookie: message.isRequest ? nil : AddressCookie.none)
        precondition(encoded.count <= DatagramBox.capacity, "too long for a datagram")
        if message.isRequest, asked.count < 256 { asked.append((message, contact)) }
      }
      let status = machine.status
      precondition(status.recordBytes.bytes <= UInt64(settings.storeBytes), "the store overflows")
      precondition(status.callsOutstanding <= settings.callLimit, "too many calls")
    }
  }

  private static func request(_ script: inout Script) -> Request {
    let kind = script.number()
    let key = Bytes32(words: (UInt64(script.number()) << 56, 0, 0, 0))
    switch kind % 5 {
    case 4: return .punch(script.contact().key)
    case 0:
      return .get(keys: [key, .zero], kind: .statement, issuers: []) { _, found in !found.isEmpty }
    case 1: return .join([script.contact(), script.contact()])
    case 2: return .find(key)
    default:
      let bytes = script.bytes(8)
      let record = try? Lenient().validate(bytes, kind: .statement, now: Timestamp(1_800_000_000))
      return record.map { .put([$0]) } ?? .find(key)
    }
  }

  private static let serve: FuzzTarget = { bytes in
    var script = Script(bytes)
    var machine = ServeMachine()
    while let operation = script.byte() {
      switch operation % 6 {
      case 0:
        let root = ContentRoot(Bytes32(words: (UInt64(script.number()), 0, 0, 0)))
        _ = machine.receive(.want(stream: UInt32(script.number()), root: root))
      case 1:
        let layout = BlockLayout(size: UInt64(script.number()) << 18 | 1)
        _ = machine.described(UInt32(script.number()), layout: operation & 8 == 0 ? layout : nil)
      case 2:
        let start = Int(script.number())
        let count = Int(script.number()) << (operation & 8 == 0 ? 0 : 24)
        let stream = UInt32(script.number())
        _ = machine.receive(
          operation & 16 == 0
            ? .blockRequest(stream: stream, blocks: start..<start + count)
            : .cancel(stream: stream, blocks: start..<start + count))
      case 3:
        let length = Int(script.number())
        if let frame = try? TransferFrame.decode(script.bytes(length)) {
          _ = machine.receive(frame)
        }
      case 4: _ = machine.next()
      default:
        _ =
          operation & 8 == 0
          ? machine.hold(operation & 16 == 0)
          : machine.vanished(
            UInt32(script.number()))
      }
      precondition(machine.queuedBlocks >= 0, "more served than asked for")
      precondition(machine.queuedBlocks <= machine.settings.credit, "over the credit")
      precondition(machine.openStreams <= machine.settings.streams, "too many streams")
    }
  }
}
