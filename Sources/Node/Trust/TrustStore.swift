import Cryptography
import Logging
import Storage
import Trust

/// The trust list in force, read anew when the owner changes it.
///
/// A list that can't be read or is older than the last one seen is not used: the daemon goes on with
/// what it had, and starts with an empty one, which accepts nothing.
actor TrustStore {
  private(set) var list = TrustList()
  /// Whether the files were put in force since the daemon started: without, nothing can be judged.
  private(set) var isInForce = false
  /// Why the files are not in force, for the user.
  private(set) var problem: String?

  private let directory: TrustDirectory
  private let own: PublicKey?
  private let catalog: Catalog
  private let logger: Logger

  init(directory: TrustDirectory, own: PublicKey?, catalog: Catalog, logger: Logger) {
    self.directory = directory
    self.own = own
    self.catalog = catalog
    self.logger = logger
    if let own { list.ownKeys = [own] }
  }

  /// Reads the files again; throws with the reason if they are not put in force.
  func reload() async throws {
    do {
      let next = try directory.load(own: own)
      try next.check(lastSeen: 0, now: WallClock.now)
      guard try await catalog.sawTrustList("own", version: next.version) else {
        throw TrustListError.older(version: next.version, lastSeen: list.version)
      }
      list = next
      isInForce = true
      problem = nil
      logger.notice("trust list in force", metadata: ["issuers": "\(next.issuers.count)"])
    } catch {
      problem = "the trust list is not in force: \(error)"
      logger.error("trust list refused", metadata: ["reason": "\(error)"])
      throw error
    }
  }
}
