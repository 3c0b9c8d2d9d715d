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

  private static func body(
    _ payload: Larder_DHTMessage.OneOf_Payload
  ) throws(DecodeError) -> Message.Body {
    switch payload {
    case .ping: return .ping
    case .find(let request): return .find(try keys(request.keys))
    case .get(let request): return .get(try get(request))
    case .store(let request): return .store(try records(request.records))
    case .have(let request):
      try check(request.digests.count, Message.digestsPerRequest)
      return .have(request.digests)
    case .reach(let request): return try reach(request)
    case .punch(let request): return try punch(request)
    case .pong(let reply): return .pong(observed: try address(reply.observed))
    case .found(let reply):
      return .found(try contacts(reply.contacts), observed: try address(reply.observed))
    case .got(let reply):
      try check(reply.records.count, Message.recordsPerMessage)
      var records: [[UInt8]] = []
      for record in reply.records { records.append(try self.record(record)) }
      return .got(
        GetReply(records: records, next: reply.next, contacts: try contacts(reply.contacts)))
    case .stored(let reply):
      try check(reply.results.count, Message.recordsPerMessage)
      // A reason that is not known here is a refusal all the same.
      return .stored(reply.results.map { StoreResult(rawValue: $0) ?? .invalid })
    case .lacking(let reply):
      try check(reply.lacking.count, Message.digestsPerRequest)
      return .lacking(reply.lacking.map { Int($0) })
    case .reaching(let reply): return .reaching(isAsked: reply.asked)
    case .punching(let reply): return .punching(try unicast(reply.address))
    case .error(let reply): return .refused(reply.code)
    }
  }

  private static func reach(
    _ request: Larder_ReachRequest
  ) throws(DecodeError) -> Message.Body {
    guard let address = try unicast(request.address) else {
      guard request.peer.isEmpty else { throw .malformed }
      return .reach(nil, isLater: request.later)
    }
    guard let peer = PublicKey(request.peer) else { throw .badLength(request.peer.count) }
    return .reach(Contact(key: peer, address: address), isLater: request.later)
  }

  private static func punch(
    _ request: Larder_PunchRequest
  ) throws(DecodeError) -> Message.Body {
    guard let peer = PublicKey(request.peer) else { throw .badLength(request.peer.count) }
    let roundTrip = Duration.microseconds(Int64(request.roundTrip))
    return .punch(
      PunchRequest(peer: peer, address: try unicast(request.address), roundTrip: roundTrip))
  }

  /// An address to which something will be sent; none is allowed, one where nobody can be is not.
  private static func unicast(_ raw: Data) throws(DecodeError) -> Address? {
    guard let address = try address(raw) else { return nil }
    guard address.ip.isUnicast else { throw .malformed }
    return address
  }

  private static func get(_ request: Larder_GetRequest) throws(DecodeError) -> GetRequest {
    guard let kind = RecordKind(rawValue: request.kind) else { throw .malformed }
    try check(request.issuers.count, Limits.issuersPerRequest)
    var issuers: [UInt64] = []
    for issuer in request.issuers {
      guard issuer.count == 8 else { throw .badLength(issuer.count) }
      issuers.append(issuer.reduce(0) { $0 << 8 | UInt64($1) })
    }
    return GetRequest(
      keys: try keys(request.keys), kind: kind, issuers: issuers, cursor: request.cursor)
  }

  private static func records(
    _ raw: [Larder_StoredRecord]
  ) throws(DecodeError) -> [EncodedRecord] {
    try check(raw.count, Message.recordsPerMessage)
    var records: [EncodedRecord] = []
    for stored in raw {
      guard let kind = RecordKind(rawValue: stored.kind) else { throw .malformed }
      records.append(EncodedRecord(kind: kind, bytes: try record(stored.record)))
    }
    return records
  }

  private static func record(_ raw: Data) throws(DecodeError) -> [UInt8] {
    guard (1...Limits.record).contains(raw.count) else { throw .badLength(raw.count) }
    return [UInt8](raw)
  }

  private static func keys(_ raw: [Data]) throws(DecodeError) -> [Bytes32] {
    guard !raw.isEmpty else { throw .malformed }
    try check(raw.count, Limits.keysPerRequest)
    var keys: [Bytes32] = []
    keys.reserveCapacity(raw.count)
    for bytes in raw {
      guard let key = Bytes32(bytes) else { throw .badLength(bytes.count) }
      keys.append(key)
    }
    return keys
  }

  /// Contacts in a reply: as many as one datagram holds.
  private static let contactLimit = 26

  private static func contacts(_ raw: [Larder_ContactInfo]) throws(DecodeError) -> [Contact] {
    try check(raw.count, contactLimit)
    var contacts: [Contact] = []
    contacts.reserveCapacity(raw.count)
    for one in raw {
      guard let contact = try contact(one) else { continue }
      contacts.append(contact)
    }
    return contacts
  }

  static func encode(_ contact: Contact) -> Larder_ContactInfo {
    var out = Larder_ContactInfo()
    out.key = Data(contact.key.bytes.bytes)
    out.address = Data(contact.address.compact)
    return out
  }

  /// The contact; nil if nobody can be at its address.
  static func contact(_ raw: Larder_ContactInfo) throws(DecodeError) -> Contact? {
    guard let key = PublicKey(raw.key) else { throw .badLength(raw.key.count) }
    guard let address = Address(compact: raw.address) else { throw .badLength(raw.address.count) }
    return address.ip.isUnicast ? Contact(key: key, address: address) : nil
  }

  private static func address(_ raw: Data) throws(DecodeError) -> Address? {
    guard !raw.isEmpty else { return nil }
    guard let address = Address(compact: raw) else { throw .badLength(raw.count) }
    return address
  }

  /// Whether one host may have this address: not unspecified, multicast or broadcast.
  private static func isUnicast(_ ip: IPAddress) -> Bool {
    switch ip {
    case .v4(let value): value >> 24 != 0 && value >> 28 < 0xE
    case .v6(let high, let low): high >> 56 != 0xFF && (high != 0 || low != 0)
    }
  }

  private static func check(_ count: Int, _ limit: Int) throws(DecodeError) {
    guard count <= limit else { throw .tooMany(count, limit: limit) }
  }
}
