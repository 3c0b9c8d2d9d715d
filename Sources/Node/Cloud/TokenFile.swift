import Cloud
import FoundationEssentials
import Glibc

/// The token table as a JSON file of mode 0600, written by `larder cloud token` and read by the
/// gateway at each request that comes after a change.
actor TokenFile {
  private let path: String
  private var cached = TokenTable()
  private var stamp: Stamp?

  /// What changes when the file is replaced.
  private struct Stamp: Equatable {
    let inode: UInt64
    let size: UInt64
    let changed: Date

    init?(path: String) {
      guard let facts = try? FileManager.default.attributesOfItem(atPath: path),
        let size = facts[.size] as? UInt64, let changed = facts[.modificationDate] as? Date,
        let inode = facts[.systemFileNumber].flatMap({
          ($0 as? UInt).map(UInt64.init) ?? $0 as? UInt64
        })
      else { return nil }
      (self.inode, self.size, self.changed) = (inode, size, changed)
    }
  }

  /// The file at `path`, which may not exist yet.
  init(path: String) {
    self.path = path
  }

  /// Why the file can't be used.
  enum Failure: Error, Equatable, CustomStringConvertible {
    /// It can't be locked, or holds no token table.
    case unusable(String, String)

    /// One line for the user.
    var description: String {
      switch self {
      case .unusable(let path, let reason): "the token file \(path) is unusable: \(reason)"
      }
    }
  }

  /// The tokens as they are in the file now; none if there is no file.
  func table() throws -> TokenTable {
    // Without a stamp it is read each time: a change must never be missed.
    let now = Stamp(path: path)
    if let now, now == stamp { return cached }
    cached = try read()
    stamp = now
    return cached
  }

  /// Changes the table and replaces the file, one process at a time: a change that another made
  /// meanwhile is never undone.
  func change(_ body: (inout TokenTable) throws -> Void) throws {
    let lock = open("\(path).lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard lock >= 0 else { throw Failure.unusable(path, "its lock: \(Self.reason)") }
    // Closing it lets the next one pass. The lock's file stays: of two files both could be held.
    defer { close(lock) }
    while flock(lock, LOCK_EX) != 0 {
      guard errno == EINTR else { throw Failure.unusable(path, "its lock: \(Self.reason)") }
    }
    var table = try read()
    try body(&table)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.write(Array(encoder.encode(table)), to: path, mode: 0o600)
    stamp = nil
  }

  private func read() throws -> TokenTable {
    guard let bytes = try AtomicFile.read(path, limit: 4 << 20) else { return TokenTable() }
    do {
      return try JSONDecoder().decode(TokenTable.self, from: Data(bytes))
    } catch {
      throw Failure.unusable(path, "\(error)")
    }
  }

  private static var reason: String { String(cString: strerror(errno)) }
}
