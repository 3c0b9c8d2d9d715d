import DHT
import FoundationEssentials
public import PeerNetwork

/// A journal of the DHT, repeated.
public struct DHTReplay {
  /// Why there was nothing to repeat.
  public enum ReplayError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file can't be read, or is larger than any journal.
    case unreadable(String)
    /// What is wrong with its content.
    case malformed(String, JournalReplay.ReplayError)

    /// A sentence for people.
    public var description: String {
      switch self {
      case .unreadable(let file): "\(file) can't be read, or is over 128 MiB"
      case .malformed(let file, let error): "\(file): \(error)"
      }
    }
  }

  private static let limit = 128 << 20
  private let result: JournalReplay.Result

  /// Repeats the journal in a file.
  public init(file: String) throws(ReplayError) {
    guard let bytes = FileManager.default.contents(atPath: file), bytes.count <= Self.limit else {
      throw .unreadable(file)
    }
    do {
      result = try JournalReplay.run([UInt8](bytes), statements: StatementValidator())
    } catch {
      throw .malformed(file, error)
    }
  }

  /// The digest of all that the machine did.
  public var trace: String { String(result.trace, radix: 16) }
  /// Keys that were looked up.
  public var lookups: Int { result.lookups }
  /// Those among them that ended to the caller's content.
  public var accepted: Int { result.accepted }
  /// The first step in which the machine did something else than then; nil if there is none.
  public var firstDifference: Int? { result.firstDifference }

  /// What else is worth knowing, in sentences.
  public var notes: [String] {
    let status = result.status
    let same = firstDifference.map { "differs from step \($0) on" } ?? "all as it was"
    return [
      "\(result.steps) steps over \(result.span.components.seconds) s: \(same)",
      "\(status.contacts) contacts, \(status.records) records, "
        + "\(status.counters.requestsSent) requests sent, \(status.counters.requestsServed) served, "
        + "\(status.counters.timeouts) timeouts, \(result.bytesSent) bytes of messages sent",
    ]
  }
}
