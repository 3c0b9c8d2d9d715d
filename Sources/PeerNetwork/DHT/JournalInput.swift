import Cryptography
import DHT
import FoundationEssentials
import Wire

/// What a machine is given in one step.
enum JournalInput {
  case start(Larder_JournalStart)
  case received(Message, Origin)
  case ticked
  case begun(Request)
  case cancelled(RequestID)
  case trusted([PublicKey])
  case servesAlways
  case leaves
  case seeders([Contact])

  func encoded(placeOf: (RequestID) -> UInt64) -> Larder_JournalEntry.OneOf_Input {
    switch self {
    case .start(let start): return .start(start)
    case .received(let message, let origin):
      var out = Larder_JournalMessage()
      out.sender = DHTCodec.encode(origin.contact)
      out.proven = origin.isProven
      out.budget = UInt32(clamping: origin.replyBudget)
      out.message = Data(DHTCodec.encode(message))
      return .received(out)
    case .ticked: return .ticked(true)
    case .begun(let request): return .begun(Self.encoded(request))
    case .cancelled(let id): return .cancelled(placeOf(id))
    case .trusted(let keys):
      var out = Larder_JournalKeys()
      out.keys = keys.map { Data($0.bytes.bytes) }
      return .trusted(out)
    case .servesAlways: return .servesAlways(true)
    case .leaves: return .leaves(true)
    case .seeders(let contacts):
      var out = Larder_JournalContacts()
      out.contacts = contacts.map(DHTCodec.encode)
      return .seeders(out)
    }
  }

  private static func encoded(_ request: Request) -> Larder_JournalRequest {
    var out = Larder_JournalRequest()
    switch request {
    case .get(let keys, let kind, let issuers, _):
      out.request = 1
      out.keys = keys.map { Data($0.bytes) }
      out.kind = kind.rawValue
      out.issuers = issuers
    case .put(let records):
      out.request = 2
      out.records = records.map { record in
        var stored = Larder_StoredRecord()
        stored.kind = record.kind.rawValue
        stored.record = Data(record.bytes)
        return stored
      }
    case .find(let target):
      out.request = 3
      out.keys = [Data(target.bytes)]
    case .join(let contacts):
      out.request = 4
      out.contacts = contacts.map(DHTCodec.encode)
    case .punch(let peer):
      out.request = 5
      out.keys = [Data(peer.bytes.bytes)]
    }
    return out
  }
}

/// The surroundings of a step: the machine itself has no clock and no dice.
struct JournalStep {
  var now = Instant.zero
  var wall = Timestamp(0)
  /// The one number that the step draws.
  var random: UInt64 = 0

  /// A digest of what came out of a step: where a replay differs, it shows at once.
  static func digest(_ actions: [Action]) -> UInt64 {
    guard !actions.isEmpty else { return 0 }
    var bytes: [UInt8] = []
    for action in actions {
      switch action {
      case .send(let message, let contact):
        bytes.append(1)
        bytes += contact.key.bytes.bytes + contact.address.compact
        bytes += DHTCodec.encode(message)
      case .finished(_, let outcome):
        bytes.append(2)
        bytes += count(outcome)
      case .kept(let record):
        bytes.append(3)
        bytes += record.slot.bytes
      }
    }
    return BLAKE2b.hash256(bytes).words.0
  }

  private static func count(_ outcome: Outcome) -> [UInt8] {
    switch outcome {
    case .records(let found):
      found.flatMap { [$0.isAccepted ? 1 : 0, UInt8(clamping: $0.records.count)] }
    case .stored(let counts): counts.map { UInt8(clamping: $0) }
    case .contacts(let contacts): contacts.flatMap { $0.key.bytes.bytes }
    }
  }
}

/// Dice that show the one number of a step, whatever is asked of them.
struct OneNumber: RandomNumberGenerator {
  let number: UInt64

  func next() -> UInt64 { number }
}
