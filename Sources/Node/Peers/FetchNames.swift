import Cryptography
import Synchronization

/// What running fetches are called, for the status: the transfer knows blobs by their content root only.
final class FetchNames: Sendable {
  private let names = Mutex<[ContentRoot: [String]]>([:])

  /// The name that the first of a blob's running fetches was given.
  subscript(root: ContentRoot) -> String? {
    names.withLock { $0[root]?.first }
  }

  /// Runs a fetch under a name.
  func during<R>(
    _ name: String, of root: ContentRoot, _ fetch: () async throws -> R
  ) async rethrows -> R {
    names.withLock { $0[root, default: []].append(name) }
    defer {
      names.withLock { names in
        if let place = names[root]?.firstIndex(of: name) { names[root]?.remove(at: place) }
        if names[root]?.isEmpty == true { names[root] = nil }
      }
    }
    return try await fetch()
  }
}
