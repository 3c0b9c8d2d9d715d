import Binhost
import Cryptography
import FoundationEssentials
import Logging
import Storage
import Transfer
import Trust
import Wire

/// What a node keeps on disk, opened and recovered; one process at a time has it.
struct NodeState: Sendable {
  let paths: Paths
  let lock: RootLock
  let keys: KeyStore
  let nodeKey: SigningKey
  let issuerKey: SigningKey?
  let catalog: Catalog
  let store: DirectoryBlobStore
  let binhost: BinhostDirectory
  let trust: TrustStore

  /// Opens everything under `paths`; throws with the reason if another daemon has it, or a file can't
  /// be read or made.
  init(paths: Paths, logger: Logger) async throws {
    self.paths = paths
    for directory in [paths.configuration, paths.state, paths.run] {
      try AtomicFile.makeDirectory(directory)
    }
    lock = try RootLock(path: paths.lock)
    keys = KeyStore(paths)
    nodeKey = try keys.nodeKey()
    issuerKey = try keys.issuerKey()
    let now = WallClock.now
    catalog = try Catalog(directory: paths.state, now: now)
    if let message = catalog.opening.message { logger.warning("\(message)") }
    store = try DirectoryBlobStore(directory: paths.blobs)
    let change = try await catalog.synchronize(with: store.contents, now: now)
    binhost = try BinhostDirectory(path: paths.binhost)
    trust = TrustStore(
      directory: TrustDirectory(paths), own: issuerKey?.publicKey, catalog: catalog,
      logger: logger)
    logger.notice(
      "state opened",
      metadata: [
        "blobs": "\(store.recovery.blobs)", "partials": "\(store.recovery.partials)",
        "removed": "\(store.recovery.removed)", "added": "\(change.added)",
        "dropped": "\(change.dropped)",
      ])
    // A trust list that is refused accepts nothing, and must not keep the daemon from starting: what is
    // listed is hidden until there is one.
    try? await trust.reload()
  }
}
