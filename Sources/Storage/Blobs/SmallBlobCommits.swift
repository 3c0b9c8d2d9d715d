import Cryptography
import Synchronization
import Transfer

/// Makes blobs of one block durable, all those together that came while the disk was busy.
///
/// A flush costs a small file more than its bytes do, and the file system flushes its journal for all
/// files at once. A lone blob waits for nobody.
final class SmallBlobCommits: Sendable {
  private struct Waiting: Sendable {
    let root: ContentRoot
    let bytes: [UInt8]
    let done: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var waiting: [Waiting] = []
    var isRunning = false
  }

  /// One blob of a batch on its way to the disk.
  private struct Entry {
    let waiting: Waiting
    let temporary: String
    var file: OpenFile?
    var failure: (any Error)?
  }

  /// The blobs that are made durable together at most.
  private static let longestBatch = 64

  private let paths: BlobPaths
  private let files: FileSystem
  private let io: BlockingIO
  private let state = Mutex(State())

  init(paths: BlobPaths, files: FileSystem, io: BlockingIO) {
    self.paths = paths
    self.files = files
    self.io = io
  }

  /// Makes a blob complete and durable; `placed` is told of it once its file has its name.
  func commit(
    _ root: ContentRoot, _ bytes: [UInt8], placed: @escaping @Sendable (ContentRoot, UInt64) -> Void
  ) async throws {
    try await withCheckedThrowingContinuation { done in
      let isFirst = state.withLock { state in
        state.waiting.append(Waiting(root: root, bytes: bytes, done: done))
        defer { state.isRunning = true }
        return !state.isRunning
      }
      if isFirst { io.start(lane: root.hashValue) { self.run(placed) } }
    }
  }

  private func run(_ placed: @escaping @Sendable (ContentRoot, UInt64) -> Void) {
    guard let batch = next() else { return }
    for entry in place(batch, placed) {
      if let failure = entry.failure {
        entry.waiting.done.resume(throwing: failure)
      } else {
        entry.waiting.done.resume()
      }
    }
    // Other blobs of this lane get their turn in between.
    io.start(lane: batch[0].root.hashValue) { self.run(placed) }
  }

  private func next() -> [Waiting]? {
    state.withLock { state in
      let batch = Array(state.waiting.prefix(Self.longestBatch))
      state.waiting.removeFirst(batch.count)
      state.isRunning = !batch.isEmpty
      return batch.isEmpty ? nil : batch
    }
  }

  /// Writes all, flushes all, names all, flushes the names; what fails for one fails for that one.
  private func place(_ batch: [Waiting], _ placed: (ContentRoot, UInt64) -> Void) -> [Entry] {
    // A start removes what has this ending.
    var entries = batch.map { Entry(waiting: $0, temporary: paths.partial($0.root) + ".new") }
    each(&entries) { entry in
      let file = try files.create(entry.temporary)
      entry.file = file
      try files.write(entry.waiting.bytes, at: 0, to: file)
      file.beginFlush()
    }
    each(&entries) { entry in
      if let file = entry.file { try files.sync(file) }
      entry.file = nil
    }
    eachShelf(&entries) { try paths.makeShelf(of: $0, on: files) }
    each(&entries) { entry in
      try files.rename(entry.temporary, to: paths.blob(entry.waiting.root))
      placed(entry.waiting.root, UInt64(entry.waiting.bytes.count))
    }
    for entry in entries where entry.failure != nil { try? files.unlink(entry.temporary) }
    eachShelf(&entries) { try files.syncDirectory(paths.shelf(of: $0)) }
    return entries
  }

  /// Takes a step once for each directory; what fails there fails for all blobs in it.
  private func eachShelf(_ entries: inout [Entry], _ step: (ContentRoot) throws -> Void) {
    var results: [String: Result<Void, any Error>] = [:]
    each(&entries) { entry in
      let root = entry.waiting.root
      let shelf = paths.shelf(of: root)
      let result = results[shelf] ?? Result { try step(root) }
      results[shelf] = result
      try result.get()
    }
  }

  /// Takes every entry that has not failed a step further.
  private func each(_ entries: inout [Entry], _ step: (inout Entry) throws -> Void) {
    for index in entries.indices where entries[index].failure == nil {
      do {
        try step(&entries[index])
      } catch {
        entries[index].failure = error
        entries[index].file = nil
      }
    }
  }
}
