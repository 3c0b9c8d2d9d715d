import Binhost
import Builder
import Cloud
import Cryptography
import FoundationEssentials
import Logging
import Storage
import Trust
import Wire

/// This node's side of the cloud tier: asks for builds, waits for them, and remembers what was asked
/// for in the background.
actor CloudDesk {
  /// What waiting for builds brought.
  struct Result: Sendable {
    /// The gateway's statements about what was built; the trust list judges them like any other.
    var statements: [SignedStatement] = []
    /// What failed or was refused, for the user.
    var notes: [String] = []
  }

  /// Hands packages to the gateway as one request of this name.
  typealias Submit = @Sendable ([PackageFacts], _ group: String) async throws -> [PackageStatus]

  private let client: GatewayClient
  private let submit: Submit
  private let catalog: Catalog
  private let logger: Logger
  private let orders: CloudOrders
  /// Rung by new orders.
  private let bell = Doorbell()
  /// Where the builds that were asked for stand, for the status.
  private var asked = AskedBuilds()

  /// A desk for the configured gateway; nil if none is configured. Throws if the token can't be read.
  init?(settings: Configuration.Cloud, catalog: Catalog, logger: Logger) throws {
    guard let gateway = settings.gateway else { return nil }
    let token = try CloudToken.read(settings.tokenFile)
    self.init(
      client: try GatewayClient(.init(url: gateway, token: token)), catalog: catalog,
      logger: logger)
  }

  /// A desk with this client, whose requests go to `submit` if it is given.
  init(
    client: GatewayClient, catalog: Catalog, logger: Logger, submit: Submit? = nil
  ) {
    self.client = client
    self.catalog = catalog
    orders = CloudOrders(catalog: catalog)
    self.logger = logger
    self.submit = submit ?? { try await client.submit($0, group: $1) }
  }

  /// Asks for builds and waits until each is built, failed or refused.
  func build(_ packages: [PackageFacts], emit: @escaping ControlServer.Emit) async throws -> Result
  {
    let group = GatewayClient.newGroup()
    var result = Result()
    var open = 0
    let statuses = try await submit(packages, group)
    asked.follow(statuses, as: group, now: WallClock.now)
    defer { asked.end(group) }
    for status in statuses {
      switch status.state {
      case .refused:
        result.notes.append("\(status.cpv): the gateway does not build it: \(status.message ?? "")")
      default:
        open += 1
        try await emit(.note("\(status.cpv): \(status.state.rawValue) at the gateway"))
      }
    }
    guard open > 0 else { return result }
    var known: [Fingerprint: PackageStatus.State] = [:]
    try await client.follow(group: group) { event in
      switch event {
      case .log(_, let lines):
        if let last = lines.last { try await emit(.progress(.init(task: last, done: 0, total: 0))) }
      case .status(let status):
        guard let fingerprint = status.fingerprint, known[fingerprint] != status.state else {
          return
        }
        known[fingerprint] = status.state
        asked.note(status)
        try await emit(.note(RequestRow(status).line))
        result.note(status)
      }
    }
    return result
  }

  /// Asks for builds and returns at once; `watch` notices when they are done.
  func order(_ packages: [PackageFacts]) async throws -> [RequestRow] {
    try await place(packages).map { RequestRow($0) }
  }

  private func place(_ packages: [PackageFacts]) async throws -> [PackageStatus] {
    guard !packages.isEmpty else { return [] }
    let group = GatewayClient.newGroup()
    let statuses = try await submit(packages, group)
    let now = WallClock.now
    let taken = zip(packages, statuses).filter { $1.state != .refused }.map { facts, _ in
      CloudOrders.Order(group: group, facts: facts, asked: now)
    }
    for status in statuses { asked.note(status) }
    try await orders.add(taken)
    bell.ring()
    return statuses
  }

  /// Asks for builds by the owner's standing rule: at most `limit` a day, and none that is awaited or
  /// that ended badly lately. Only what the gateway takes is counted. One call at a time.
  func orderWithinBudget(
    _ packages: [PackageFacts], limit: Int
  ) async throws -> [RequestRow] {
    let now = WallClock.now
    let bytes = try await catalog.state(Self.budgetName)
    var budget =
      bytes.flatMap { try? JSONDecoder().decode(DailyBudget.self, from: Data($0)) }
      ?? DailyBudget(limit: limit)
    budget.limit = limit
    let rule = StandingRule(
      awaited: try await awaited(), failed: try await failedLately(now: now),
      left: budget.left(now: now))
    let chosen = rule.choice(of: packages)
    let statuses = try await place(chosen)
    for (facts, status) in zip(chosen, statuses) {
      guard status.state == .refused else {
        _ = budget.spend(now: now)
        continue
      }
      // Told once, and not asked for again at the next sync.
      try await catalog.post(
        Notice(
          fingerprint: Fingerprint(of: facts).bytes, cpv: facts.cpv, outcome: .failed,
          message: RequestRow(status).line, created: now))
    }
    if !chosen.isEmpty {
      try await catalog.setState(Self.budgetName, to: Array(JSONEncoder().encode(budget)))
    }
    return statuses.map { RequestRow($0) }
  }

  /// What ended badly so lately that the gateway would answer the same.
  private func failedLately(now: Timestamp) async throws -> Set<Fingerprint> {
    let since = now - Self.remembersFailure
    var latest: [Fingerprint: Notice] = [:]
    // Newest first: a build that went well later counts.
    for notice in try await catalog.notices(limit: 1_000) where notice.created > since {
      let fingerprint = Fingerprint(notice.fingerprint)
      if latest[fingerprint] == nil { latest[fingerprint] = notice }
    }
    return Set(latest.filter { $0.value.outcome == .failed }.keys)
  }

  private static let remembersFailure = BuildSettings().remembersFailure
  private static let budgetName = "cloud-budget"

  /// The builds that were asked for in the background and are not done.
  func awaited() async throws -> Set<Fingerprint> {
    Set(try await orders.all().compactMap { try? Fingerprint(of: $0.facts) })
  }

  /// The builds that were asked for and have not ended, for the status, newest first.
  func jobs() async -> [StatusSnapshot.Job] {
    let background = ((try? await orders.all()) ?? []).compactMap { order in
      (try? Fingerprint(of: order.facts)).map {
        AskedBuilds.Build(cpv: order.facts.cpv, fingerprint: $0, since: order.asked)
      }
    }
    return asked.jobs(background: background, now: WallClock.now)
  }

  /// Looks after background requests until cancelled: what is built is fetched, checked and listed,
  /// and the next command tells the user. On a metered link they wait.
  func watch(resolver: Resolver, ruler: TransferRuler) async throws {
    while true {
      if try await orders.all().isEmpty { try await bell.wait() }
      try await Task.sleep(for: .seconds(5))
      try await ruler.waitWhileMetered()
      do {
        try await settle(resolver)
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        logger.info("gateway not asked", metadata: ["reason": "\(error)"])
      }
    }
  }

  private func settle(_ resolver: Resolver) async throws {
    for (group, members) in Dictionary(grouping: try await orders.all(), by: \.group) {
      let statuses = try await statuses(of: group)
      for order in members {
        let fingerprint = try Fingerprint(of: order.facts)
        let status = statuses.first { $0.fingerprint == fingerprint }
        if let status { asked.note(status) }
        if let status, !status.isFinal { continue }
        try await end(order, fingerprint, status, resolver)
        try await orders.remove(order)
        asked.forget(fingerprint)
      }
    }
  }

  /// Where the packages of a request stand; none if the gateway has forgotten the request.
  private func statuses(of group: String) async throws -> [PackageStatus] {
    do {
      return try await client.status(group: group)
    } catch GatewayClientError.refused(_, status: 404, _) {
      return []
    }
  }

  private func end(
    _ order: CloudOrders.Order, _ fingerprint: Fingerprint, _ status: PackageStatus?,
    _ resolver: Resolver
  ) async throws {
    var outcome = Notice.Outcome.failed
    var message = status.map { RequestRow($0).line } ?? "the gateway does not know it any more"
    if let status, status.state == .built {
      var result = Result()
      result.note(status)
      try await catalog.keep(result.statements)
      let build = try await resolver.obtain(order.facts)
      if build.isListed {
        outcome = .ready
        message = "built, fetched and listed: emerge takes it"
      } else {
        message = build.verdict.message
      }
    }
    try await catalog.post(
      Notice(
        fingerprint: fingerprint.bytes, cpv: order.facts.cpv, outcome: outcome, message: message,
        created: WallClock.now))
  }
}

extension CloudDesk.Result {
  /// Takes in how a build ended.
  fileprivate mutating func note(_ status: PackageStatus) {
    switch status.state {
    case .built:
      if let bytes = status.statementBytes,
        let signed = try? SignedStatement(verifying: bytes, now: WallClock.now)
      {
        statements.append(signed)
      }
    case .failed, .refused, .cancelled:
      notes.append(
        "\(status.cpv): \(status.state.rawValue): \(status.message ?? "no reason given")")
    case .queued, .leased: break
    }
  }
}
