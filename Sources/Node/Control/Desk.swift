import Cryptography
import Emerge
import PeerNetwork
import Storage
import Trust
import Wire

/// Carries out what commands ask of the daemon.
struct Desk: Sendable {
  let state: NodeState
  let network: NodeNetwork
  let board: StatusBoard
  let resolver: Resolver
  let listing: Listing
  let publisher: BuildPublisher?
  let upkeep: StatementUpkeep?
  let collector: Collector
  let cloud: CloudDesk?
  let refresher: Refresher
  let ruler: TransferRuler
  let settings: Configuration

  /// Does what is asked, telling `emit` how it goes; throws with the reason if it can't be done.
  func answer(_ request: ControlRequest, _ emit: @escaping ControlServer.Emit) async throws {
    switch request {
    case .status: try await emit(.status(board.snapshot()))
    case .resolve(let arguments, let stage):
      try await showNotices(emit)
      try await emit(.plan(resolver.resolve(arguments, until: stage, emit: emit)))
    case .publish(let files): try await publish(files, emit)
    case .withdraw(let packages):
      guard let upkeep else { throw PublishError.noKey }
      try await emit(.published(upkeep.withdraw(packages)))
    case .request(let arguments, let wait): try await self.request(arguments, wait: wait, emit)
    case .inbox: try await showInbox(emit)
    case .refresh: try await refresh(emit)
    case .reload:
      try await state.trust.reload()
      await network.dht.trust(state.trust.list.keys(at: WallClock.now))
      try await listing.refresh()
    case .collect:
      try await emit(.collected(CollectReport(evict())))
    case .pin(let packages, let isPinned):
      let pins = Pins(catalog: state.catalog)
      try await emit(.lines(pins.set(isPinned, packages)))
    case .affected(let key): try await showAffected(key, emit)
    }
  }

  /// Keeps the quota; what went is no longer announced.
  func evict() async throws -> Collector.Report {
    try await listing.refresh()
    try await listing.prune()
    let report = try await collector.run(now: WallClock.now)
    let gone = report.removed.filter { !$0.isPartial }.map(\.root)
    await network.dht.stopAnnouncing(gone)
    for root in gone { _ = try await state.catalog.forgetOwnBuild(root) }
    try await state.catalog.removeEndedStatements(now: WallClock.now)
    return report
  }

  private func publish(_ files: [String], _ emit: ControlServer.Emit) async throws {
    guard let publisher else {
      throw settings.publish.enabled ? PublishError.noKey : PublishError.notEnabled
    }
    let outcomes = try await publisher.publish(files)
    try await emit(.published(zip(outcomes, files).map { PublishRow($0, file: $1) }))
    let failed = outcomes.filter { !$0.isPublished }.count
    if failed > 0 { throw PublishError.someRefused(failed, of: outcomes.count) }
  }

  private func request(
    _ arguments: [String], wait: Bool, _ emit: @escaping ControlServer.Emit
  ) async throws {
    try await showNotices(emit)
    if wait {
      return try await emit(.plan(resolver.resolve(arguments, until: .build, emit: emit)))
    }
    guard let cloud else { throw ResolveError.noCloud }
    let missing = try await resolver.missing(arguments, emit: emit)
    try await emit(.requested(cloud.order(missing)))
  }

  /// Has @world planned anew, and answers at once: the work outlives the command.
  private func refresh(_ emit: ControlServer.Emit) async throws {
    let arguments = settings.portage.refresh
    guard !arguments.isEmpty else {
      return try await emit(.lines(["portage.refresh is empty: nothing is refreshed"]))
    }
    refresher.ring()
    let what = "builds of: \(arguments.joined(separator: " "))"
    try await emit(
      .lines([
        ruler.rules.isMetered
          ? "the link is metered (fetch.metered, fetch.schedule): once it is not, the daemon looks for \(what)"
          : "the daemon looks for \(what)"
      ]))
  }

  /// Background builds that ended since the last command.
  private func showNotices(_ emit: ControlServer.Emit) async throws {
    for notice in try await state.catalog.takeNotices() {
      try await emit(.note("\(notice.cpv): \(notice.outcome.rawValue) \(notice.message)"))
    }
  }

  private func showInbox(_ emit: ControlServer.Emit) async throws {
    let notices = try await state.catalog.notices()
    _ = try await state.catalog.takeNotices()
    try await emit(.inbox(notices.map { InboxRow($0) }))
  }

  private func showAffected(_ text: String, _ emit: ControlServer.Emit) async throws {
    guard let key = Bytes32(hex: text) else { throw AffectedPackages.BadKey(word: text) }
    let affected = AffectedPackages(
      statements: try await state.catalog.statements(by: key, now: Timestamp(0)),
      installed: try await PortageHelper(settings.portage.helperSettings).installed().installed,
      listings: try await state.catalog.listings())
    try await emit(.lines(affected.lines))
  }
}
