import Cryptography
import DHT
import FoundationEssentials
import Wire

/// What a decoded payload says, with every bound checked.
extension DHTCodec {
  /// The body in a payload that was read; throws the bound that it breaks.
  static func body(
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

  private static func check(_ count: Int, _ limit: Int) throws(DecodeError) {
    guard count <= limit else { throw .tooMany(count, limit: limit) }
  }
}
