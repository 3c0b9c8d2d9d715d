import Cryptography

/// Where a directory store keeps things: `blobs/xx/<root>` with `<root>.layers` beside it, and
/// `partial/<root>` with `<root>.map` beside it.
struct BlobPaths: Sendable {
  let directory: String

  var blobs: String { directory + "/blobs" }
  var partials: String { directory + "/partial" }

  /// The directory of the blobs whose name begins with the same byte.
  func shelf(of root: ContentRoot) -> String { blobs + "/" + root.description.prefix(2) }

  /// Makes the directory of a blob durable before anything is named in it.
  ///
  /// One whose name could not be flushed is removed, so that the next blob tries again.
  func makeShelf(of root: ContentRoot, on files: FileSystem) throws {
    let shelf = shelf(of: root)
    guard !files.isDirectory(shelf) else { return }
    try files.makeDirectory(shelf)
    do {
      try files.syncDirectory(blobs)
    } catch {
      try? files.removeDirectory(shelf)
      throw error
    }
  }

  func blob(_ root: ContentRoot) -> String { shelf(of: root) + "/" + root.description }
  func layers(_ root: ContentRoot) -> String { blob(root) + ".layers" }
  func partial(_ root: ContentRoot) -> String { partials + "/" + root.description }
  func map(_ root: ContentRoot) -> String { partial(root) + ".map" }
}
