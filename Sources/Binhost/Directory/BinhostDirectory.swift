import Dispatch
public import Portage
import Synchronization

/// The directory that Portage reads as `file://…/current`: an index that is switched atomically.
///
/// Beside `current`, a symbolic link to the generation `<TIMESTAMP>/`, lies `pool/`, where each
/// offered file is a hard link `<category>/<package>/<file>` to its blob. A generation holds
/// `Packages`, `Packages.gz` and one link a category into the pool. So a switch costs what changed;
/// an `emerge` that read the former index still finds its files through the new `current` (a package
/// that is listed and then missing fails for good, Portage does not fall back to the source); and
/// whatever moment a crash hits, `current` points at a whole generation.
///
/// Directories are 0755 and files 0644 and belong to the daemon's user, root.
public final class BinhostDirectory: Sendable {
  /// What a publication did.
  public struct Publication: Sendable, Equatable {
    /// What Portage reads now.
    public var generation: BinhostGeneration
    /// How many packages are listed.
    public var listed: Int
    /// What was left out, and why.
    public var refused: [RefusedListing]
    /// Whether the index is a new one; an equal one keeps its `TIMESTAMP`, so that Portage keeps its
    /// cached copy.
    public var isNew: Bool
  }

  struct State {
    var current: BinhostGeneration?
    var latest: Int64
  }

  /// The directory that holds `current`.
  public let path: String

  let files: IndexFiles
  let state: Mutex<State>
  private let queue = DispatchQueue(label: "larder.binhost")

  /// Opens or makes the directory and removes what a crash left.
  ///
  /// `notBefore` is a `TIMESTAMP` that was once given out, in case the directory was lost: Portage
  /// silently ignores an index that is not newer than its cached copy. Blocks.
  public convenience init(path: String, notBefore: Int64 = 0) throws {
    try self.init(path: path, notBefore: notBefore, files: IndexFiles())
  }

  init(path: String, notBefore: Int64, files: IndexFiles) throws {
    self.path = path
    self.files = files
    try files.makeDirectory(path)
    try files.makeDirectory(path + "/pool")
    let names = files.names(in: path)
    var found = State(current: nil, latest: max(0, notBefore))
    for name in names {
      if let timestamp = Int64(name), timestamp >= 0 {
        found.latest = max(found.latest, timestamp)
      } else if name == "current.new" {
        try files.remove(path + "/" + name)
      } else if name.hasSuffix(".new") {
        try files.removeGeneration(path + "/" + name)
      }
    }
    found.current = Self.readCurrent(path, files)
    state = Mutex(found)
  }

  /// What Portage reads now; nil before the first publication.
  public var current: BinhostGeneration? {
    state.withLock { $0.current }
  }

  /// The largest `TIMESTAMP` given out; keep it where it outlives this directory.
  public var latestTimestamp: Int64 {
    state.withLock { $0.latest }
  }

  /// The path of a package below the directory: `<category>/<package>/<package>-<version>-<n>.gpkg.tar`.
  ///
  /// Several builds of one version stand side by side: n follows from the first bytes of the content
  /// root (64 hexadecimal digits), as Portage takes whole numbers only. Nil for anything else.
  public static func path(of cpv: CPV, root: String) -> String? {
    guard root.utf8.count == 64, let build = UInt32(root.prefix(8), radix: 16) else { return nil }
    let path = "\(cpv.package)/\(cpv.fullName)-\(build).gpkg.tar"
    return PackagesEntry.isSafePath(path) ? path : nil
  }

  /// Lists exactly these packages, in this order, and switches `current` in one step.
  ///
  /// A listing whose entry Portage would choke on, or whose file is not there with the size that the
  /// entry says, is left out and named. `header` adds fields to the index's header. `now` is in Unix
  /// seconds; `newerThan` is a `TIMESTAMP` that Portage has already cached, if known. Throws
  /// `BinhostFileError` and leaves the former index in place. The collection is walked twice and never
  /// held as a whole. Cancellation doesn't interrupt it.
  public func publish(
    _ listings: some RandomAccessCollection<BinhostListing> & Sendable,
    header: [String: String] = [:],
    now: Int64, newerThan cached: Int64 = 0
  ) async throws -> Publication {
    try await run {
      // Used up even if the writing fails: no two generations ever share a time.
      let timestamp = self.state.withLock { state in
        state.latest = max(now, state.latest + 1, cached + 1)
        return state.latest
      }
      let writing = GenerationWriter(
        directory: self.path, files: self.files, timestamp: timestamp)
      let current = self.current
      defer {
        let found = Self.readCurrent(self.path, self.files)
        self.state.withLock { $0.current = found }
      }
      let publication = try writing.write(
        listings, header: header, after: current,
        mustBeNew: (current?.timestamp ?? 0) <= cached)
      self.removeOldGenerations(but: publication.generation, and: current)
      return publication
    }
  }

  /// How long a file stays in the pool after it was last in an index: an `emerge` that began before may
  /// be about to fetch it.
  public static let grace = Duration.seconds(48 * 3_600)

  /// Removes the pool's files that `isNeeded` no longer wants; returns the paths removed.
  ///
  /// Whatever the caller believes, a file stays while the index names it and for `grace` after it left the
  /// index or came into the pool. `now` is in Unix seconds.
  @discardableResult
  public func prunePool(
    now: Int64, keeping isNeeded: @escaping @Sendable (String) -> Bool
  ) async throws -> [String] {
    try await run {
      var removed: [String] = []
      // Read only if there is something to remove, which is rare.
      var listed: Set<String>?
      let pool = self.path + "/pool"
      for category in self.files.names(in: pool) {
        for package in self.files.names(in: "\(pool)/\(category)") {
          for file in self.files.names(in: "\(pool)/\(category)/\(package)") {
            let path = "\(category)/\(package)/\(file)"
            guard !isNeeded(path), let status = self.files.status("\(pool)/\(path)"),
              status.changed + Self.grace.components.seconds < now
            else { continue }
            let names = try listed ?? IndexPaths.read(self.current)
            listed = names
            guard !names.contains(path) else { continue }
            try self.files.remove("\(pool)/\(path)")
            removed.append(path)
          }
          // Fails, as it should, unless the directory is empty.
          try? self.files.remove("\(pool)/\(category)/\(package)")
        }
      }
      return removed
    }
  }

  /// Opens a file of the index or the pool for reading: `Packages`, `Packages.gz` or a package's path.
  ///
  /// Nil for anything that is not there, climbs, or is no plain file.
  func open(_ name: String) -> (file: ReadableFile, generation: BinhostGeneration)? {
    guard let generation = current else { return nil }
    let path: String
    switch name {
    case "Packages", "Packages.gz": path = "\(generation.path)/\(name)"
    default:
      guard PackagesEntry.isSafePath(name) else { return nil }
      path = "\(self.path)/pool/\(name)"
    }
    return ReadableFile(path).map { ($0, generation) }
  }

  /// Runs blocking work on the directory's own thread.
  func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result { try body() }) }
    }
  }

  /// The generation that `current` points at.
  private static func readCurrent(_ path: String, _ files: IndexFiles) -> BinhostGeneration? {
    guard let target = files.target(ofLink: path + "/current"), let timestamp = Int64(target),
      files.status("\(path)/\(target)/Packages") != nil
    else { return nil }
    return BinhostGeneration(timestamp: timestamp, path: "\(path)/\(target)")
  }

  /// Keeps the current generation and the one before, which a reader may just have opened.
  private func removeOldGenerations(but current: BinhostGeneration, and former: BinhostGeneration?)
  {
    for name in files.names(in: path) {
      guard let timestamp = Int64(name), timestamp != current.timestamp,
        timestamp != former?.timestamp
      else { continue }
      // What can't be removed now is removed after the next publication.
      try? files.removeGeneration(path + "/" + name)
    }
  }
}
