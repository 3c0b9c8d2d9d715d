import Foundation

/// A file of one test, removed with it.
final class TemporaryFile: Sendable {
  let path: String

  init(_ bytes: [UInt8]) throws {
    let name = "larder-\(UUID().uuidString)"
    path = FileManager.default.temporaryDirectory.appending(path: name).path()
    try Data(bytes).write(to: URL(filePath: path))
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
