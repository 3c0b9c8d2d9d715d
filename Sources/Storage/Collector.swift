public import Cryptography
import Transfer
public import Wire

/// Keeps the blobs within a quota: `larder gc`.
public struct Collector: Sendable {
  /// What the collector is allowed.
  public struct Settings: Sendable, Equatable {
    /// The bytes that blobs and unfinished blobs may take together.
    public var quota = ByteCount.gibibytes(20)
    /// How long a blob stays after Portage could last see it in the index: an `emerge` that began
    /// then may still be fetching.
    public var keepsListed = Duration.seconds(48 * 3_600)
    /// How long a blob stays after its last use, whatever the quota.
    public var keepsUsed = Duration.seconds(3_600)

    /// The defaults.
    public init() {}
  }

  /// What a run did.
  public struct Report: Sendable, Equatable, Codable {
    /// A blob that was removed.
    public struct Removed: Sendable, Equatable, Codable {
      /// Its name.
      public let root: ContentRoot
      /// Its size in bytes.
      public let size: UInt64
      /// Whether it was unfinished.
      public let isPartial: Bool
    }

    /// What was removed, in this order.
    public var removed: [Removed] = []
    /// The bytes freed.
    public var freed: UInt64 = 0
    /// The bytes that blobs and unfinished blobs take now.
    public var used: UInt64 = 0
    /// The quota in bytes.
    public var quota: UInt64
    /// Whether what may not be removed is more than the quota.
    public var isOverQuota: Bool { used > quota }
  }

  private let store: DirectoryBlobStore
  private let catalog: Catalog
  private let settings: Settings

  /// A collector over a store and its catalog.
  public init(store: DirectoryBlobStore, catalog: Catalog, settings: Settings = Settings()) {
    self.store = store
    self.catalog = catalog
    self.settings = settings
  }

  /// Removes unfinished blobs that nobody works on and then the least recently used blobs until
  /// the quota holds.
  ///
  /// Never removed: what is pinned, in flight, `protected`, listed, delisted less than `keepsListed`
  /// ago or used less than `keepsUsed` ago. Cancelled midway, what was removed is removed.
  public func run(
    now: Timestamp, protecting protected: Set<ContentRoot> = []
  ) async throws -> Report {
    var report = Report(quota: settings.quota.bytes)
    let partials = try await store.idlePartials()
    report.used = total(store.contents.values) + total(partials.values)
    let goal = settings.quota.bytes

    for (root, _) in partials.sorted(by: { $0.key < $1.key }) where !protected.contains(root) {
      guard report.used > goal else { break }
      let freed = try await store.removePartial(root)
      report.note(root, freed, isPartial: true)
    }
    guard report.used > goal else { return report }
    let candidates = try await catalog.evictable(
      usedBefore: now - settings.keepsUsed, delistedBefore: now - settings.keepsListed)
    let inFlight = store.inFlight
    for blob in candidates where !protected.contains(blob.root) && !inFlight.contains(blob.root) {
      guard report.used > goal else { break }
      try Task.checkCancellation()
      let freed = try await store.remove(blob.root)
      try await catalog.forget(blob.root)
      if freed > 0 { report.note(blob.root, freed, isPartial: false) }
    }
    return report
  }

  private func total(_ sizes: some Sequence<UInt64>) -> UInt64 {
    var sum: UInt64 = 0
    for size in sizes { sum += size }
    return sum
  }
}

extension Collector.Report {
  mutating func note(_ root: ContentRoot, _ size: UInt64, isPartial: Bool) {
    removed.append(Removed(root: root, size: size, isPartial: isPartial))
    freed += size
    used -= min(used, size)
  }
}
