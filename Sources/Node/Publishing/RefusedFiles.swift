import FoundationEssentials

/// The files that were refused for publishing last, for `larder status`; kept over restarts.
struct RefusedFiles: Sendable, Equatable {
  private struct Entry: Sendable, Equatable, Codable {
    let path: String
    let message: String
  }

  /// Where the catalog keeps it.
  static let stateName = "refused-files"
  /// The most files remembered; beyond it the oldest are forgotten.
  static let capacity = 20

  private var entries: [Entry] = []

  init() {}

  /// What `bytes` wrote down; nothing if they are not understood.
  init(bytes: [UInt8]) {
    let read = (try? JSONDecoder().decode([Entry].self, from: Data(bytes))) ?? []
    entries = Array(read.suffix(Self.capacity))
  }

  /// The files as bytes to write down.
  var bytes: [UInt8] {
    (try? JSONEncoder().encode(entries)).map { Array($0) } ?? []
  }

  /// Why each was refused, the oldest first.
  var messages: [String] { entries.map(\.message) }

  /// Notes what became of a file: only its last outcome counts, and no refusal is left of one that is
  /// published.
  mutating func note(_ outcome: PublishOutcome, of path: String) {
    entries.removeAll { $0.path == path }
    guard !outcome.isPublished else { return }
    entries.append(Entry(path: path, message: outcome.message))
    if entries.count > Self.capacity { entries.removeFirst(entries.count - Self.capacity) }
  }
}
