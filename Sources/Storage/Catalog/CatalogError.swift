import GRDB

/// Why the catalog could not read or write.
public enum CatalogError: Error, Equatable, Sendable, CustomStringConvertible {
  /// No room on the device; what was committed before stays.
  case noSpace
  /// The database is damaged; the next start moves it aside and indexes the blobs again.
  case damaged(String)
  /// Another fault, in the words of SQLite.
  case device(String)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .noSpace:
      "no space left for the catalog: free some, or lower the quota and run `larder gc`"
    case .damaged(let words): "the catalog is damaged (\(words)); restart the daemon to rebuild it"
    case .device(let words): "the catalog failed: \(words)"
    }
  }

  init(_ error: DatabaseError) {
    switch error.resultCode {
    case .SQLITE_FULL: self = .noSpace
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(error.message ?? "corrupt")
    default: self = .device(error.message ?? "error \(error.resultCode.rawValue)")
    }
  }
}
