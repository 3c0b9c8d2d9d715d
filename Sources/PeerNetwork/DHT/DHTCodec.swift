import Cryptography
import DHT
import FoundationEssentials
import Wire

/// Turns the DHT's messages into protobuf and back; every bound is checked on the way in.
enum DHTCodec {
  /// Why an opened datagram holds no message.
  enum DecodeError: Error, Equatable, Sendable {
    /// Not an encoding of a message, or one without a payload that is known here.
    case malformed
    /// More elements than the field may have.
    case tooMany(Int, limit: Int)
    /// A field that has one length only has another.
    case badLength(Int)
  }

  /// A message with what the driver carries beside it.
  struct Decoded: Equatable, Sendable {
    let message: Message
    /// In replies: our proof of address to the sender from now on.
    let cookie: [UInt8]?
  }

  /// The encoding of a message.
  ///
  /// `cookie` is for replies; `length` fills up with padding so that the reply may be that long.
  static func encode(_ message: Message, cookie: [UInt8]? = nil, length: Int = 0) -> [UInt8] {
    var out = Larder_DHTMessage()
    out.transaction = message.transaction
    out.client = message.isClient
    out.payload = payload(message.body)
    if let cookie { out.cookie = Data(cookie) }
    let bytes = ProtobufCodec.encode(out)
    // Tag and length of the padding take two or three bytes.
    guard bytes.count + 2 <= length else { return bytes }
    let rest = length - bytes.count
    out.padding = Data(count: rest - (rest - 2 < 128 ? 2 : 3))
    return ProtobufCodec.encode(out)
  }

  /// The message in the bytes of an opened datagram.
  static func decode(_ bytes: [UInt8]) throws(DecodeError) -> Decoded {
    guard
      let raw = try? ProtobufCodec.decode(
        Larder_DHTMessage.self, from: bytes, limit: DatagramBox.capacity),
      let payload = raw.payload
    else { throw .malformed }
    let body = try body(payload)
    let message = Message(transaction: raw.transaction, isClient: raw.client, body: body)
    guard !raw.cookie.isEmpty else { return Decoded(message: message, cookie: nil) }
    guard raw.cookie.count == AddressCookie.length else { throw .badLength(raw.cookie.count) }
    return Decoded(message: message, cookie: [UInt8](raw.cookie))
  }

  private static func payload(_ body: Message.Body) -> Larder_DHTMessage.OneOf_Payload {
    switch body {
    case .ping: return .ping(.init())
    case .find(let keys):
      var out = Larder_FindRequest()
      out.keys = keys.map { Data($0.bytes) }
      return .find(out)
    case .get(let request):
      var out = Larder_GetRequest()
      out.keys = request.keys.map { Data($0.bytes) }
      out.kind = request.kind.rawValue
      out.issuers = request.issuers.map { issuer in
        withUnsafeBytes(of: issuer.bigEndian) { Data($0) }
      }
      out.cursor = request.cursor
      return .get(out)
    case .store(let records):
      var out = Larder_StoreRequest()
      out.records = records.map { record in
        var stored = Larder_StoredRecord()
        stored.kind = record.kind.rawValue
        stored.record = Data(record.bytes)
        return stored
      }
      return .store(out)
    case .have(let digests):
      var out = Larder_HaveRequest()
      out.digests = digests
      return .have(out)
    case .reach(let target, let isLater):
      var out = Larder_ReachRequest()
      if let target {
        out.peer = Data(target.key.bytes.bytes)
        out.address = Data(target.address.compact)
      }
      out.later = isLater
      return .reach(out)
    case .punch(let wish):
      var out = Larder_PunchRequest()
      out.peer = Data(wish.peer.bytes.bytes)
      out.address = Data(wish.address?.compact ?? [])
      out.roundTrip = UInt32(clamping: wish.roundTrip.nanoseconds / 1_000)
      return .punch(out)
    case .pong(let observed):
      var out = Larder_PingReply()
      out.observed = Data(observed?.compact ?? [])
      return .pong(out)
    case .found(let contacts, let observed):
      var out = Larder_FindReply()
      out.contacts = contacts.map(encode)
      out.observed = Data(observed?.compact ?? [])
      return .found(out)
    case .got(let reply):
      var out = Larder_GetReply()
      out.records = reply.records.map { Data($0) }
      out.next = reply.next
      out.contacts = reply.contacts.map(encode)
      return .got(out)
    case .stored(let results):
      var out = Larder_StoreReply()
      out.results = results.map(\.rawValue)
      return .stored(out)
    case .lacking(let places):
      var out = Larder_HaveReply()
      out.lacking = places.map { UInt32(clamping: $0) }
      return .lacking(out)
    case .reaching(let isAsked):
      var out = Larder_ReachReply()
      out.asked = isAsked
      return .reaching(out)
    case .punching(let address):
      var out = Larder_PunchReply()
      out.address = Data(address?.compact ?? [])
      return .punching(out)
    case .refused(let code):
      var out = Larder_ErrorReply()
      out.code = code
      return .error(out)
    }
  }

  static func encode(_ contact: Contact) -> Larder_ContactInfo {
    var out = Larder_ContactInfo()
    out.key = Data(contact.key.bytes.bytes)
    out.address = Data(contact.address.compact)
    return out
  }
}
