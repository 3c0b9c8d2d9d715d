import Cryptography
import DHT
import FoundationEssentials
import Glibc
import Synchronization
import Wire

/// Writes down what the machine of the DHT is given, so that `larder simulate --replay` repeats the run.
///
/// A file of `limit` bytes is enough: what follows is not written, since a journal is of use only from its
/// beginning. A file that can't be written ends the journal, not the node.
final class JournalWriter {
  /// What the callers' predicates said within a step; they are called inside the machine.
  final class Verdicts: Sendable {
    private let said = Mutex<[Bool]>([])

    /// The same predicate, whose answers are noted.
    func noting(_ accept: @escaping Acceptance) -> Acceptance {
      { [self] key, records in
        let verdict = accept(key, records)
        said.withLock { $0.append(verdict) }
        return verdict
      }
    }

    /// What was said since the last call.
    func take() -> [Bool] {
      said.withLock { noted in
        let taken = noted
        noted = []
        return taken
      }
    }
  }

  /// Why nothing more is written.
  enum End: Error, Equatable, CustomStringConvertible {
    /// It has its size.
    case full
    /// The system refused a write, with its number for why.
    case failed(Int32)

    /// A few words for people.
    var description: String {
      switch self {
      case .full: "it has its size"
      case .failed(let code): String(cString: strerror(code))
      }
    }
  }

  /// The most bytes of a journal.
  static let limit = 64 << 20
  private static let bufferSize = 32 << 10

  /// Set once nothing more is written.
  private(set) var end: End?

  let verdicts = Verdicts()
  private let limit: Int
  private var descriptor: Int32
  private var buffer: [UInt8] = []
  private var written = 0
  private var begun: [RequestID: UInt64] = [:]
  private var requests: UInt64 = 0

  /// Begins a journal in a file of the owner's only, in place of what was there; nil if it can't be
  /// written.
  init?(
    path: String, key: PublicKey, isSeeder: Bool, lookup: LookupScope,
    limit: Int = JournalWriter.limit
  ) {
    self.limit = limit
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return nil }
    var start = Larder_JournalStart()
    start.version = 1
    start.key = Data(key.bytes.bytes)
    start.seeder = isSeeder
    start.lookup = lookup.rawValue
    append(.start(start), JournalStep(), [])
  }

  deinit {
    flush()
    if descriptor >= 0 { close(descriptor) }
  }

  /// Writes a step down.
  func append(_ input: JournalInput, _ step: JournalStep, _ actions: [Action]) {
    guard descriptor >= 0, written < limit else {
      if end == nil { end = .full }
      _ = verdicts.take()
      begun = [:]
      return
    }
    var entry = Larder_JournalEntry()
    entry.now = Int64(clamping: step.now.nanoseconds)
    entry.wall = step.wall.seconds
    entry.random = step.random
    entry.verdicts = verdicts.take()
    entry.actions = JournalStep.digest(actions)
    entry.input = input.encoded(placeOf: { self.begun.removeValue(forKey: $0) ?? .max })
    for case .finished(let id, _) in actions { begun[id] = nil }
    let bytes = ProtobufCodec.encode(entry)
    buffer += withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) }
    buffer += bytes
    if buffer.count >= Self.bufferSize { flush() }
  }

  /// Notes the number that a request got, by which its end is told.
  func began(_ id: RequestID) {
    begun[id] = requests
    requests += 1
  }

  /// Writes out what is held back.
  func flush() {
    guard descriptor >= 0, !buffer.isEmpty else { return }
    let count = buffer.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    // A part of a step is of no use: a disk that is full ends the journal here.
    if count != buffer.count {
      end = .failed(count < 0 ? errno : ENOSPC)
      close(descriptor)
      descriptor = -1
    }
    written += buffer.count
    buffer.removeAll(keepingCapacity: true)
  }
}
