import Wire

/// Packages whose merge has not ended yet, with the time after which waiting is given up.
struct PendingPackages: Sendable, Equatable {
  /// How long a package may take from its file to its merge's end.
  static let patience = Duration.seconds(3_600)

  private var ends: [String: Timestamp] = [:]

  var isEmpty: Bool { ends.isEmpty }

  /// The files, sorted.
  var paths: [String] { ends.keys.sorted() }

  /// Waits for the merge of a file from the file's time on: that of an old package is over.
  mutating func insert(_ path: String, _ stamp: SeenPackages.Stamp) {
    let bound = 1e15
    let changed = Int64(min(max(stamp.changed, -bound), bound))
    ends[path] = Timestamp(changed) + Self.patience
  }

  mutating func remove(_ path: String) {
    ends[path] = nil
  }

  /// Whether the merge may still end.
  func isWaiting(_ path: String, at now: Timestamp) -> Bool {
    ends[path].map { now < $0 } ?? false
  }
}
