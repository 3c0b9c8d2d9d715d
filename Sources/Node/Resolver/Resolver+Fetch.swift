import Cryptography
import DHT
import Emerge
import Logging
import PeerNetwork
import Storage
import Trust
import Wire

extension Resolver {
  /// Fetches, checks and lists the accepted builds; one that fails gives way to the next acceptable.
  ///
  /// What was listed before leaves the index where the trust list of now does not accept it, and where
  /// the check finds it unsound. That a library is missing says so of a `whole` plan only: what a part
  /// of a plan lacks may be in the rest.
  func obtain(
    _ builds: [PlannedBuild], whole: Bool, host: HostFacts, emit: @escaping Emit
  ) async throws -> [PlannedBuild] {
    var builds = builds
    guard builds.contains(where: { $0.verdict.isAccepted && !$0.isListed }) else {
      try await listing.refresh()
      return builds
    }
    let installed = try await helper.installed().installed
    // Each round either lists what is open, or rejects a statement and tries the next one.
    for _ in 0..<Self.rounds {
      let open = builds.indices.filter { builds[$0].verdict.isAccepted && !builds[$0].isListed }
      guard !open.isEmpty else { break }
      let fetched = try await fetch(open.map { builds[$0] }, emit: emit)
      var isMoving = false
      for (index, failure) in zip(open, fetched) {
        guard let failure else { continue }
        builds[index].setAside(because: failure.reason)
        builds[index].trouble = failure.trouble
        if builds[index].verdict.isAccepted { isMoving = true }
      }
      try await check(&builds, host: host, installed: installed, isMoving: isMoving)
      let count = try await listing.take(
        builds.filter(\.isListed), refusing: whole ? builds.unsound : [], host: host)
      logger.info("listed for Portage", metadata: ["packages": "\(count)"])
    }
    for index in builds.indices where !builds[index].isListed {
      while builds[index].verdict.isAccepted {
        builds[index].setAside(because: .unusable("no build fitted the others of this plan"))
      }
    }
    return builds
  }

  /// How often the builds of one plan are fetched and checked together, each time with other statements.
  private static let rounds = 8

  /// Why a build could not be fetched.
  private struct FetchFailure: Sendable {
    let reason: RejectionReason
    let trouble: String?
  }

  /// Fetches builds, a few at a time; a failure for each that isn't here afterwards.
  private func fetch(
    _ builds: [PlannedBuild], emit: @escaping Emit
  ) async throws -> [FetchFailure?] {
    var wanted: [BuildStatement] = []
    for build in builds {
      guard let statement = build.verdict.statement?.statement else { continue }
      if try await store.size(of: statement.root) == nil { wanted.append(statement) }
    }
    let providers = await peers.providers(of: wanted.map(\.root))
    var failures = [FetchFailure?](repeating: nil, count: builds.count)
    try await withThrowingTaskGroup(of: (Int, FetchFailure?).self) { tasks in
      var next = 0
      func addOne() {
        guard next < builds.count else { return }
        let (index, build) = (next, builds[next])
        next += 1
        tasks.addTask { [self] in
          (index, try await fetchOne(build, providers: providers, emit: emit))
        }
      }
      for _ in 0..<settings.transfer.parallel { addOne() }
      while let (index, failure) = try await tasks.next() {
        failures[index] = failure
        addOne()
      }
    }
    return failures
  }

  private func fetchOne(
    _ build: PlannedBuild, providers: [ContentRoot: [ProviderRecord]], emit: @escaping Emit
  ) async throws -> FetchFailure? {
    guard let statement = build.verdict.statement?.statement else { return nil }
    guard try await store.size(of: statement.root) == nil else { return nil }
    let known = providers[statement.root] ?? []
    guard !known.isEmpty else { return FetchFailure(reason: .noProvider, trouble: nil) }
    if peers.names[statement.root] != nil {
      try await emit(.note("waiting for \(build.facts.cpv), which is being fetched already"))
    }
    do {
      let report = try await peers.fetch(
        statement.root, size: statement.size, from: known, name: build.facts.cpv, emit: emit)
      try await catalog.add(statement.root, size: statement.size, now: WallClock.now)
      if settings.transfer.share { await peers.dht.announce([statement.root]) }
      for note in report.notes { try await emit(.note(note)) }
      return nil
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      logger.info(
        "fetch failed", metadata: ["package": "\(build.facts.cpv)", "reason": "\(error)"])
      return FetchFailure(reason: .noProvider, trouble: "\(error)")
    }
  }
}
