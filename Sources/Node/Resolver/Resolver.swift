import Builder
import Cryptography
import Emerge
import Logging
import PeerNetwork
import Storage
import Trust
import Wire

/// The way of a package from a plan to Portage's directory: plan, look up, judge, fetch, check, list,
/// plan again (docs/DESIGN.md, "One request").
actor Resolver {
  /// Tells the user how far the work is.
  typealias Emit = ControlServer.Emit

  let helper: PortageHelper
  let trust: TrustStore
  let catalog: Catalog
  let store: DirectoryBlobStore
  let peers: Peers
  let listing: Listing
  let cloud: CloudDesk?
  let settings: Configuration
  let logger: Logger
  /// What the gpkgs of this store say, so that a listed package is read once a run of the daemon.
  var descriptions = DescriptionCache(capacity: 4_096)

  init(
    helper: PortageHelper, trust: TrustStore, catalog: Catalog, store: DirectoryBlobStore,
    peers: Peers, listing: Listing, cloud: CloudDesk?, settings: Configuration, logger: Logger
  ) {
    self.helper = helper
    self.trust = trust
    self.catalog = catalog
    self.store = store
    self.peers = peers
    self.listing = listing
    self.cloud = cloud
    self.settings = settings
    self.logger = logger
  }

  /// Goes from emerge's arguments as far as `stage`; what is listed until a failure stays listed.
  func resolve(
    _ arguments: [String], until stage: ResolveStage, emit: @escaping Emit
  ) async throws -> PlanReport {
    try await emit(.progress(.init(task: "asking Portage for its plan", done: 0, total: 0)))
    let plan = try await helper.plan(Self.fromSource + arguments)
    guard let host = plan.host else { throw ResolveError.noHostFacts }
    var (builds, notes) = Self.builds(of: plan)
    notes += PlanAdvice.notes(on: arguments, defaults: host.emergeDefaultOpts)
    try await emit(.progress(.init(task: "asking peers", done: 0, total: 0)))
    let before = await peers.dht.snapshot
    try await lookUp(&builds, host: host, neighbours: stage == .plan)
    notes += await peers.notes(since: before)
    await count(builds)
    if let problem = await trust.problem { notes.append(problem) }
    if let awaited = try await cloud?.awaited() {
      for index in builds.indices {
        builds[index].isBuilding = awaited.contains(builds[index].fingerprint)
      }
    }
    guard stage != .plan else { return await report(builds, notes: notes) }

    // Requests don't wait for each other: a blob that two of them want is fetched once by the transfer,
    // and each takes its turn only where the index is written.
    builds = try await obtain(builds, whole: true, host: host, emit: emit)
    let listed = builds.filter(\.isListed).count
    var remaining = try await planAgain(arguments, builds: &builds)
    if listed > 0, !builds.contains(where: \.isListed) {
      notes.append("Portage takes nothing of what is listed: is 'larder setup' done on this host?")
    }
    if stage == .build, !remaining.isEmpty {
      guard let cloud else { throw ResolveError.noCloud }
      let fresh = try await cloud.build(remaining.map(\.facts), emit: emit)
      notes += fresh.notes
      try await catalog.keep(fresh.statements)
      remaining = try await obtainFresh(remaining, host: host, emit: emit)
      merge(remaining, into: &builds)
      _ = try await planAgain(arguments, builds: &builds)
    }
    return await report(builds, notes: notes)
  }

  /// What Portage would still compile with everything that is listed now.
  func missing(_ arguments: [String], emit: @escaping Emit) async throws -> [PackageFacts] {
    try await emit(.progress(.init(task: "asking Portage for its plan", done: 0, total: 0)))
    let plan = try await helper.plan(Self.withBinaries + arguments)
    return plan.packages.filter { $0.kind == .ebuild }
  }

  /// Fetches, checks and lists one package that was built for this host.
  func obtain(_ facts: PackageFacts) async throws -> PlannedBuild {
    guard let host = try await helper.host().host else { throw ResolveError.noHostFacts }
    return try await obtainFresh([PlannedBuild(facts)], host: host) { _ in }[0]
  }

  /// Looks up and obtains builds that were signed just now: their provider announces them a moment
  /// after their issuer says that they are there.
  private func obtainFresh(
    _ builds: [PlannedBuild], host: HostFacts, emit: @escaping Emit
  ) async throws -> [PlannedBuild] {
    var builds = builds
    for pause in [0, 1, 2, 4, 8] {
      try await Task.sleep(for: .seconds(pause))
      try await lookUp(&builds, host: host)
      builds = try await obtain(builds, whole: false, host: host, emit: emit)
      if !builds.contains(where: \.lacksProvider) { break }
    }
    return builds
  }

  /// Portage's options for a plan in which everything is built from source.
  static let fromSource = ["--usepkg=n", "--getbinpkg=n"]
  /// Portage's options for a plan that may take what is listed.
  static let withBinaries = ["--usepkg=y", "--getbinpkg=y"]

  /// Plans with the listed binaries: build tools fall away, and what Portage still compiles is left.
  private func planAgain(
    _ arguments: [String], builds: inout [PlannedBuild]
  ) async throws -> [PlannedBuild] {
    let plan = try await helper.plan(Self.withBinaries + arguments)
    let second = SecondPlan(plan.packages, over: builds)
    builds = second.builds
    return second.remaining
  }

  private func merge(_ fresh: [PlannedBuild], into builds: inout [PlannedBuild]) {
    for build in fresh {
      if let index = builds.firstIndex(where: { $0.fingerprint == build.fingerprint }) {
        builds[index] = build
      }
    }
  }

  /// The packages that would be built; one with facts that can't be used becomes a note.
  private static func builds(of plan: HelperReport) -> ([PlannedBuild], [String]) {
    var builds: [PlannedBuild] = []
    var notes: [String] = []
    for facts in plan.packages where facts.kind == .ebuild {
      do throws(FactsError) {
        builds.append(try PlannedBuild(facts))
      } catch {
        notes.append("\(facts.cpv) has no fingerprint: \(error)")
      }
    }
    return (builds, notes)
  }

  private func count(_ builds: [PlannedBuild]) async {
    let hits = builds.filter(\.verdict.isAccepted).count
    await remember {
      try await catalog.count(["hits": Int64(hits), "misses": Int64(builds.count - hits)])
    }
  }

  private func report(_ builds: [PlannedBuild], notes: [String]) async -> PlanReport {
    let list = await trust.list
    let rows = builds.map { build in
      build.row { list.issuer(of: $0.issuer)?.name ?? "\($0.issuer)" }
    }
    return PlanReport(rows: rows, notes: notes)
  }
}

/// Why a request can't be resolved at all.
enum ResolveError: Error, CustomStringConvertible {
  case noHostFacts
  case noCloud

  var description: String {
    switch self {
    case .noHostFacts:
      "the Portage helper said nothing about this host; does 'portage.helper' name Larder's own?"
    case .noCloud:
      "no cloud tier is configured: set cloud.gateway and cloud.token-file in larder.yaml"
    }
  }
}
