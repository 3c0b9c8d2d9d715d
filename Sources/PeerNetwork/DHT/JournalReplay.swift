import Cryptography
public import DHT
import FoundationEssentials
import Synchronization
import Wire

/// Repeats what a journal says: the same machine is given the same, and must do the same.
public struct JournalReplay {
  /// Why a journal can't be repeated.
  public enum ReplayError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Not a journal, or one of another version.
    case notAJournal
    /// The step with this number can't be read.
    case malformed(Int)

    /// A sentence for people.
    public var description: String {
      switch self {
      case .notAJournal: "not a journal of this version (dht.journal writes one)"
      case .malformed(let step): "step \(step) can't be read"
      }
    }
  }

  /// What a replay did.
  public struct Result: Sendable, Equatable {
    /// Steps that were repeated.
    public var steps = 0
    /// The first step in which the machine did something else than it did then.
    public var firstDifference: Int?
    /// How long the run took then.
    public var span = Duration.zero
    /// Keys that were looked up, and how many of them to the caller's content.
    public var lookups = 0
    /// Those that ended to the caller's content.
    public var accepted = 0
    /// Bytes of messages sent, without seals and headers.
    public var bytesSent = 0
    /// The machine in the end.
    public var status: KademliaStatus
    /// The digest of all that was done.
    public var trace: UInt64 = 0
  }

  /// The most bytes of one step.
  private static let stepLimit = 16 << 20

  /// What callers' predicates said, to be said again.
  private final class Verdicts: Sendable {
    private let left = Mutex<ArraySlice<Bool>>([])

    func put(_ verdicts: [Bool]) { left.withLock { $0 = verdicts[...] } }

    var accept: Acceptance {
      { [self] _, _ in left.withLock { $0.popFirst() ?? false } }
    }
  }

  private var machine: Kademlia
  private let validator: any RecordValidator
  private let verdicts = Verdicts()
  private var requests: [RequestID] = []
  private var result: Result

  /// Repeats a journal; throws what is wrong with it. A last step that was cut off is left out.
  public static func run(
    _ journal: [UInt8], statements: any RecordValidator
  ) throws(ReplayError) -> Result {
    var rest = journal[...]
    guard let first = next(&rest),
      let entry = try? ProtobufCodec.decode(
        Larder_JournalEntry.self, from: first, limit: stepLimit),
      case .start(let start)? = entry.input, start.version == 1, let key = PublicKey(start.key)
    else { throw .notAJournal }
    var replay = JournalReplay(
      key: key, isSeeder: start.seeder, lookup: LookupScope(rawValue: start.lookup) ?? .all,
      statements: statements)
    while let bytes = next(&rest) {
      guard
        let entry = try? ProtobufCodec.decode(
          Larder_JournalEntry.self, from: bytes, limit: stepLimit)
      else { throw .malformed(replay.result.steps + 1) }
      try replay.step(entry)
    }
    replay.result.status = replay.machine.status
    return replay.result
  }

  private init(
    key: PublicKey, isSeeder: Bool, lookup: LookupScope, statements: any RecordValidator
  ) {
    var settings = KademliaSettings()
    settings.lookup = lookup
    validator = ProviderAwareValidator(statements: statements)
    machine = Kademlia(
      key: key, settings: DHTService.machineSettings(settings, isSeeder: isSeeder),
      validator: validator, now: .zero)
    result = Result(status: machine.status)
  }

  private static func next(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
    guard rest.count >= 4 else { return nil }
    let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    guard length <= stepLimit, rest.count >= 4 + length else { return nil }
    let bytes = Array(rest.dropFirst(4).prefix(length))
    rest = rest.dropFirst(4 + length)
    return bytes
  }

  private mutating func step(_ entry: Larder_JournalEntry) throws(ReplayError) {
    result.steps += 1
    verdicts.put(entry.verdicts)
    let now = Instant(nanoseconds: UInt64(clamping: entry.now))
    let wall = Timestamp(entry.wall)
    var dice = OneNumber(number: entry.random)
    var actions: [Action] = []
    switch entry.input {
    case .received(let raw):
      let (message, origin) = try received(raw)
      actions = machine.receive(message, from: origin, now: now, wall: wall, using: &dice)
    case .ticked: actions = machine.tick(now: now, wall: wall, using: &dice)
    case .begun(let raw):
      let (id, begun) = machine.begin(
        try request(raw, wall: wall), now: now, wall: wall, using: &dice)
      requests.append(id)
      actions = begun
    case .cancelled(let place):
      if let index = Int(exactly: place), requests.indices.contains(index) {
        machine.cancel(requests[index])
      }
    case .trusted(let raw): machine.trustedIssuers = Set(raw.keys.compactMap { PublicKey($0) })
    case .servesAlways: machine.serveAlways()
    case .seeders(let raw):
      machine.setSeeders(raw.contacts.compactMap { (try? DHTCodec.contact($0)) ?? nil })
    case .leaves: actions = machine.leave(now: now, wall: wall, using: &dice)
    case .start, nil: throw .malformed(result.steps)
    }
    note(actions, entry, now)
  }

  private mutating func note(_ actions: [Action], _ entry: Larder_JournalEntry, _ now: Instant) {
    let digest = JournalStep.digest(actions)
    if digest != entry.actions, result.firstDifference == nil {
      result.firstDifference = result.steps
    }
    result.trace = (result.trace &* 0x100_0000_01B3) ^ digest
    result.span = max(result.span, now - .zero)
    for action in actions {
      switch action {
      case .send(let message, _): result.bytesSent += DHTCodec.encode(message).count
      case .finished(_, .records(let found)):
        result.lookups += found.count
        result.accepted += found.count { $0.isAccepted }
      case .finished, .kept: break
      }
    }
  }

  private func received(
    _ raw: Larder_JournalMessage
  ) throws(ReplayError) -> (Message, Origin) {
    guard let contact = try? DHTCodec.contact(raw.sender),
      let decoded = try? DHTCodec.decode([UInt8](raw.message))
    else { throw .malformed(result.steps) }
    return (
      decoded.message,
      Origin(contact: contact, isProven: raw.proven, replyBudget: Int(raw.budget))
    )
  }

  private func request(
    _ raw: Larder_JournalRequest, wall: Timestamp
  ) throws(ReplayError) -> Request {
    let keys = raw.keys.compactMap { Bytes32($0) }
    switch raw.request {
    case 1:
      guard let kind = RecordKind(rawValue: raw.kind) else { break }
      return .get(keys: keys, kind: kind, issuers: raw.issuers, accept: verdicts.accept)
    case 2:
      // An own record was made by the node itself: what it refuses now it refused then.
      var records: [Record] = []
      for stored in raw.records {
        guard let kind = RecordKind(rawValue: stored.kind),
          let record = try? validator.validate([UInt8](stored.record), kind: kind, now: wall)
        else { throw .malformed(result.steps) }
        records.append(record)
      }
      return .put(records)
    case 3: if let target = keys.first { return .find(target) }
    case 4: return .join(raw.contacts.compactMap { (try? DHTCodec.contact($0)) ?? nil })
    case 5: if let peer = keys.first { return .punch(PublicKey(peer)) }
    default: break
    }
    throw .malformed(result.steps)
  }
}
