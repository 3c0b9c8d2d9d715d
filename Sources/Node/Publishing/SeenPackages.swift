import FoundationEssentials

/// Which files of PKGDIR were judged already, so that a restart doesn't describe them all again.
struct SeenPackages: Sendable, Equatable {
  /// What changes when a file is written anew.
  struct Stamp: Sendable, Hashable, Codable {
    let size: UInt64
    let changed: Double

    /// The stamp of the file at `path`; nil if it is gone.
    init?(path: String) {
      guard let facts = try? FileManager.default.attributesOfItem(atPath: path),
        let changed = facts[.modificationDate] as? Date, let size = facts[.size] as? UInt64
      else { return nil }
      self.size = size
      self.changed = changed.timeIntervalSince1970
    }
  }

  /// Where the catalog keeps it.
  static let stateName = "seen-packages"
  /// The most files remembered; beyond it all are forgotten and described anew.
  static let capacity = 100_000

  private var stamps: [String: Stamp] = [:]

  init() {}

  /// What `bytes` wrote down; nothing if they are not understood.
  init(bytes: [UInt8]) {
    stamps = (try? JSONDecoder().decode([String: Stamp].self, from: Data(bytes))) ?? [:]
  }

  /// The files as bytes to write down.
  var bytes: [UInt8] {
    (try? JSONEncoder().encode(stamps)).map { Array($0) } ?? []
  }

  func contains(_ path: String, _ stamp: Stamp) -> Bool {
    stamps[path] == stamp
  }

  mutating func insert(_ path: String, _ stamp: Stamp) {
    if stamps.count >= Self.capacity { stamps = [:] }
    stamps[path] = stamp
  }
}
