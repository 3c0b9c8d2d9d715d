public import Cryptography
public import Wire

/// Names one request to a node's own machine.
public struct RequestID: Hashable, Comparable, Sendable {
  let number: UInt64

  /// Whether the left request began first.
  public static func < (left: RequestID, right: RequestID) -> Bool {
    left.number < right.number
  }
}

/// Whether the records found so far under a key are enough; it must be a pure function.
///
/// Anyone can sign a record for any key, so only the caller knows when a search may end: for
/// statements this is the trust list.
public typealias Acceptance = @Sendable (_ key: Bytes32, _ records: [Record]) -> Bool

/// What a node may be asked to do in the DHT.
public enum Request: Sendable {
  /// Find records under these keys; `issuers` empty for any.
  case get(keys: [Bytes32], kind: RecordKind, issuers: [UInt64], accept: Acceptance)
  /// Keep these records at the nodes nearest to their keys.
  case put([Record])
  /// Find the nodes nearest to a point.
  case find(Bytes32)
  /// Enter the network through these nodes.
  case join([Contact])
  /// Reach the client with this key through nodes that both know: at once both send to each other, so
  /// that NATs let them. Ends with the contact at which it answered, or with none.
  case punch(PublicKey)
}

/// How a request ended.
public enum Outcome: Sendable, Equatable {
  /// What was found under each key, in the order of the keys as numbers.
  case records([Found])
  /// How many nodes stored each record, in the order given.
  case stored([Int])
  /// The nearest nodes that answered.
  case contacts([Contact])

  /// The records under one key.
  public struct Found: Sendable, Equatable {
    /// The key.
    public let key: Bytes32
    /// The newest of every slot.
    public let records: [Record]
    /// Whether the caller's predicate was content with them.
    public let isAccepted: Bool
    /// Replies that had to come one after the other, each to a request that the one before led to,
    /// until the search ended; 0 if the record was here.
    public let rounds: Int
  }
}

/// What a step of the machine wants done.
public enum Action: Sendable, Equatable {
  /// Seal this and send it to that node.
  case send(Message, to: Contact)
  /// A request is over.
  case finished(RequestID, Outcome)
  /// Somebody gave us a statement of a trusted issuer, and it is kept.
  case kept(Record)
}

/// Where a message came from, as the driver has established it.
public struct Origin: Sendable, Equatable {
  /// The sender; its key is proven by the seal.
  public let contact: Contact
  /// Whether a valid cookie proved the address too.
  public let isProven: Bool
  /// The bytes that the reply's message may have: never more than the request had, unless proven.
  public let replyBudget: Int

  /// A sender with what is proven of it.
  public init(contact: Contact, isProven: Bool, replyBudget: Int) {
    self.contact = contact
    self.isProven = isProven
    self.replyBudget = replyBudget
  }
}
