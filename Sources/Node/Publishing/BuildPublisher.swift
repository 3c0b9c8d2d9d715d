import Cryptography
import Emerge
import FoundationEssentials
import Logging
import PeerNetwork
import Storage
import Trust
import Wire

/// Signs, announces and serves what was compiled on this machine.
actor BuildPublisher {
  private let settings: Configuration.Publish
  private let key: SigningKey
  private let helper: PortageHelper
  private let catalog: Catalog
  private let store: DirectoryBlobStore
  private let peers: Peers
  private let logger: Logger
  private var refusedFiles = RefusedFiles()
  /// Packages whose merge has not ended yet.
  private var pending = PendingPackages()
  /// Rung by new packages and by emerge.
  private let bell = Doorbell()
  private var seen = SeenPackages()
  private let turn = Turn()

  init(
    settings: Configuration.Publish, key: SigningKey, helper: PortageHelper, catalog: Catalog,
    store: DirectoryBlobStore, peers: Peers, logger: Logger
  ) {
    self.settings = settings
    self.key = key
    self.helper = helper
    self.catalog = catalog
    self.store = store
    self.peers = peers
    self.logger = logger
  }

  /// The newest refusals, for `larder status`.
  var refused: [String] { refusedFiles.messages }

  /// Recalls what was refused before the daemon started.
  func restore() async throws {
    refusedFiles = RefusedFiles(bytes: try await catalog.state(RefusedFiles.stateName) ?? [])
  }

  /// Publishes these files, each if every rule allows it; the outcomes in their order.
  func publish(_ paths: [String]) async throws -> [PublishOutcome] {
    let outcomes = try await turn.take { [self] in try await consider(paths) }
    for (path, outcome) in zip(paths, outcomes) where outcome.isPublished {
      refusedFiles.note(outcome, of: path)
    }
    return outcomes
  }

  /// Publishes PKGDIR's new packages as they come, until cancelled.
  func watch() async throws {
    guard let host = try await helper.host().host else { throw ResolveError.noHostFacts }
    try AtomicFile.makeDirectory(host.pkgdir)
    let watcher: PackageDirectoryWatcher
    var lookAgain = Self.lookAgain
    do {
      watcher = try PackageDirectoryWatcher(directory: host.pkgdir, log: host.emergeLog)
    } catch {
      logger.info("emerge's log is not watched", metadata: ["reason": "\(error)"])
      watcher = try PackageDirectoryWatcher(directory: host.pkgdir)
      lookAgain = Self.lookOften
    }
    seen = try await SeenPackages(bytes: catalog.state(SeenPackages.stateName) ?? [])
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { [self] in
        // What was built while the daemon was down.
        await noticeAll(in: host.pkgdir)
        for await event in watcher.events {
          switch event {
          case .package(let path): await notice(path)
          case .rescan: await noticeAll(in: host.pkgdir)
          case .logged: await noticeLog()
          }
        }
      }
      // emerge merges a package some time after it wrote the file, and says so in its log; only then
      // the evidence is whole.
      while true {
        try await bell.wait(atMost: pending.isEmpty ? nil : lookAgain)
        // What comes together is described together.
        try await Task.sleep(for: .milliseconds(500))
        try await considerPending()
      }
    }
  }

  /// When pending packages are looked at again without a sign of emerge.
  private static let lookAgain = Duration.seconds(60)
  /// The same where emerge's log can't be watched.
  private static let lookOften = Duration.seconds(5)
  /// Packages that are described by one run of the helper.
  private static let batch = 32

  /// Portage keeps gpkgs as CATEGORY/PACKAGE/FILE below PKGDIR.
  private func noticeAll(in pkgdir: String) {
    for category in names(in: pkgdir) {
      for package in names(in: "\(pkgdir)/\(category)") {
        let directory = "\(pkgdir)/\(category)/\(package)"
        for file in names(in: directory) where file.hasSuffix(".gpkg.tar") {
          notice("\(directory)/\(file)")
        }
      }
    }
  }

  private func names(in directory: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
  }

  private func notice(_ path: String) {
    guard let stamp = SeenPackages.Stamp(path: path), !seen.contains(path, stamp) else { return }
    pending.insert(path, stamp)
    bell.ring()
  }

  /// emerge did something: perhaps it merged what is pending.
  private func noticeLog() {
    if !pending.isEmpty { bell.ring() }
  }

  /// Looks at everything pending once; throws what has nothing to do with the packages, which wait on.
  private func considerPending() async throws {
    guard !pending.isEmpty else { return }
    var left = pending.paths[...]
    while !left.isEmpty {
      let paths = Array(left.prefix(Self.batch))
      left = left.dropFirst(paths.count)
      for (path, outcome) in zip(paths, try await publish(paths)) {
        if case .tooEarly = outcome, pending.isWaiting(path, at: WallClock.now) { continue }
        settle(path)
        refusedFiles.note(outcome, of: path)
        logger.notice("\(outcome.message)")
      }
    }
    try await catalog.setState(SeenPackages.stateName, to: seen.bytes)
    try await catalog.setState(RefusedFiles.stateName, to: refusedFiles.bytes)
  }

  private func settle(_ path: String) {
    pending.remove(path)
    if let stamp = SeenPackages.Stamp(path: path) { seen.insert(path, stamp) }
  }

  private func consider(_ paths: [String]) async throws -> [PublishOutcome] {
    let report: HelperReport
    do {
      report = try await helper.describe(paths)
    } catch PortageHelper.Failure.portage(let failure) where failure.kind != "portage-too-old" {
      // One file that can't be described must not keep the others back.
      var outcomes: [PublishOutcome] = []
      for path in paths where paths.count > 1 { outcomes += try await consider([path]) }
      return outcomes.isEmpty ? [.unreadable(path: paths[0], reason: failure.message)] : outcomes
    }
    guard report.packages.count == paths.count, let host = report.host else {
      throw PublishError.undescribed(paths.joined(separator: ", "))
    }
    var outcomes: [PublishOutcome] = []
    for (path, facts) in zip(paths, report.packages) {
      outcomes.append(try await consider(path, facts, host))
    }
    return outcomes
  }

  private func consider(
    _ path: String, _ facts: PackageFacts, _ host: HostFacts
  ) async throws -> PublishOutcome {
    let intake = PackageIntake(
      facts: facts, policy: PublishingRules.Policy(groups: settings.licences, host: host),
      origin: .host)
    let blob: ImportedBlob
    let description: GpkgDescription
    do {
      (blob, description) = try await intake.take(path, into: store)
    } catch PackageIntake.Objection.refused(let refusals) {
      return refusals.allSatisfy(\.mayPass)
        ? .tooEarly(refusals) : .refused(cpv: facts.cpv, refusals)
    } catch PackageIntake.Objection.unreadable(let reason) {
      return .unreadable(path: path, reason: reason)
    }
    if try await catalog.ownBuild(blob.root) != nil { return .known(cpv: facts.cpv) }
    let now = WallClock.now
    let file = BuildStatement.FileFacts(
      root: blob.root, size: blob.size, md5: blob.md5, sha1: blob.sha1)
    let statement = try BuildStatement.make(
      from: facts, description: description, file: file, now: now, life: settings.validity)
    let signed = try SignedStatement.sign(statement, with: key)
    try await catalog.add(blob.root, size: blob.size, now: now)
    try await catalog.keep([signed])
    try await catalog.keep(
      OwnBuild(
        root: blob.root, fingerprint: statement.fingerprint.bytes, cpv: facts.cpv, path: path,
        facts: Array(JSONEncoder().encode(facts)), statement: signed.encoded, published: now,
        expires: statement.expires))
    await peers.publish([signed], providing: [blob.root])
    return .published(signed, cpv: facts.cpv)
  }
}

extension Refusal {
  /// Whether the rule may be satisfied once emerge has merged the package and written its log.
  fileprivate var mayPass: Bool {
    switch self {
    case .notBuiltHere, .buildFailed, .notTheInstalledFile, .fileChanged, .mergedAsBinary: true
    case .inputsChanged, .inputsUnknown, .factsDiffer, .restricted, .licence, .live,
      .savedConfiguration, .accountOverrides, .kernelModules, .hooks, .secrets:
      false
    }
  }
}

/// Why a package can't even be judged for publishing.
enum PublishError: Error, CustomStringConvertible {
  case undescribed(String)
  case notEnabled
  case noKey
  case someRefused(Int, of: Int)

  var description: String {
    switch self {
    case .undescribed(let path): "\(path): the Portage helper could not describe this package"
    case .notEnabled:
      "publishing is off: set 'publish: {enabled: true}' in larder.yaml and restart the daemon"
    case .someRefused(let count, let all): "\(count) of \(all) packages were not published"
    case .noKey: "there is no issuer key: run 'larder key generate' and restart the daemon"
    }
  }
}
