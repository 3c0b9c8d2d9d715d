public import Cryptography
public import Wire

/// One message of the DHT: a request, or the reply bound to it by its transaction.
public struct Message: Sendable, Equatable {
  /// Chosen at random by the requester, repeated by the reply.
  public let transaction: UInt64
  /// Whether the sender neither stores nor routes for others, so that it stays out of tables.
  public let isClient: Bool
  /// What is asked or answered.
  public let body: Body

  /// A message of these parts.
  public init(transaction: UInt64, isClient: Bool, body: Body) {
    self.transaction = transaction
    self.isClient = isClient
    self.body = body
  }

  /// What a message asks or answers.
  public enum Body: Sendable, Equatable {
    /// Are you there?
    case ping
    /// Which nodes do you know nearest to these keys, at most `Limits.keysPerRequest`?
    case find([Bytes32])
    /// Which records do you have?
    case get(GetRequest)
    /// Keep these encoded records, by kind; needs the receiver's address cookie.
    case store([EncodedRecord])
    /// Which of the records with these digests, at most `Message.digestsPerRequest`, do you lack?
    case have([UInt64])
    /// Have somebody write to me out of the blue, or write yourself later; or, with a contact, write to
    /// that node.
    case reach(Contact?, isLater: Bool)
    /// Tell a node that I want to reach it; or, told by the node in the middle, send to that address.
    case punch(PunchRequest)
    /// I am; you wrote from this address.
    case pong(observed: Address?)
    /// Those nodes; you wrote from this address.
    case found([Contact], observed: Address?)
    /// Those records, and nodes that may have more.
    case got(GetReply)
    /// What became of each record, in the request's order.
    case stored([StoreResult])
    /// The places in the request of those that I lack.
    case lacking([Int])
    /// Whether somebody was asked.
    case reaching(isAsked: Bool)
    /// The address of the node to reach, if it keeps a way open through me.
    case punching(Address?)
    /// I can't answer that.
    case refused(UInt32)
  }

  /// Digests in one HAVE: 8 bytes each, as many as fit with room to spare.
  public static let digestsPerRequest = 96

  /// Records in one STORE or GET reply; the datagram's size is the tighter bound.
  public static let recordsPerMessage = 16

  /// Whether the message asks, rather than answers.
  public var isRequest: Bool {
    switch body {
    case .ping, .find, .get, .store, .have, .reach, .punch: true
    case .pong, .found, .got, .stored, .lacking, .reaching, .punching, .refused: false
    }
  }
}

/// A record on its way, unchecked.
public struct EncodedRecord: Sendable, Equatable {
  /// What it claims to be.
  public let kind: RecordKind
  /// The envelope, at most `Limits.record` bytes.
  public let bytes: [UInt8]

  /// A record of that kind in these bytes.
  public init(kind: RecordKind, bytes: [UInt8]) {
    self.kind = kind
    self.bytes = bytes
  }
}

/// Which records are asked for.
public struct GetRequest: Sendable, Equatable {
  /// The keys, at most `Limits.keysPerRequest`.
  public let keys: [Bytes32]
  /// The kind of all of them.
  public let kind: RecordKind
  /// The first eight bytes of the issuers whose records count, at most
  /// `Limits.issuersPerRequest`; empty for any.
  public let issuers: [UInt64]
  /// How many records of the answer's order to skip.
  public let cursor: UInt64

  /// A request for those records.
  public init(keys: [Bytes32], kind: RecordKind, issuers: [UInt64], cursor: UInt64 = 0) {
    self.keys = keys
    self.kind = kind
    self.issuers = issuers
    self.cursor = cursor
  }
}

/// Who wants to reach whom.
public struct PunchRequest: Sendable, Equatable {
  /// The node to reach; in what the node in the middle sends on, the node that wants to.
  public let peer: PublicKey
  /// Where the peer's datagrams come from, by the node in the middle; nil in the first request.
  public let address: Address?
  /// The round trip between the first asker and the node in the middle, in whole microseconds; zero
  /// for unknown. Both sides send half of it after the node in the middle did.
  public let roundTrip: Duration

  /// A request of these parts.
  public init(peer: PublicKey, address: Address?, roundTrip: Duration) {
    self.peer = peer
    self.address = address
    self.roundTrip = roundTrip
  }
}

/// The records that fit, and where to ask on.
public struct GetReply: Sendable, Equatable {
  /// Encoded records of the kind asked for: the first of every key, then the second of every key,
  /// and so on.
  public let records: [[UInt8]]
  /// The cursor for more; 0 if there are none.
  public let next: UInt64
  /// Nodes nearest to those keys that have no record here.
  public let contacts: [Contact]

  /// A reply of these parts.
  public init(records: [[UInt8]], next: UInt64, contacts: [Contact]) {
    self.records = records
    self.next = next
    self.contacts = contacts
  }
}

/// What became of a record in a STORE.
public enum StoreResult: UInt32, Sendable, Equatable, Hashable, CaseIterable {
  /// It is kept, or was there already and is kept longer.
  case stored = 0
  /// A record of its slot with a higher sequence is here.
  case outdated = 1
  /// It fails its validation: encoding, bounds, signature or life.
  case invalid = 2
  /// Its time is over.
  case expired = 3
  /// Its time has not come.
  case futureDated = 4
  /// Its key lies too far from this node.
  case tooFar = 5
  /// Its source's network has its share of this key or of the store.
  case overQuota = 6
  /// The request showed no valid cookie; the reply brings one.
  case needsCookie = 7
  /// This node stores nothing.
  case notStoring = 8
  /// Its publisher has the most slots of a full key.
  case keyFull = 9

  init(_ rejection: RecordRejection) {
    switch rejection {
    case .malformed, .badSignature, .lifeTooLong: self = .invalid
    case .expired: self = .expired
    case .futureDated: self = .futureDated
    }
  }
}
