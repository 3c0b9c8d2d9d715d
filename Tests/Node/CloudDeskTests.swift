import Binhost
import Builder
import FoundationEssentials
import Logging
import Storage
import Synchronization
import Testing
import Trust
import Wire

@testable import Cloud
@testable import Node

/// The daily budget of the standing rule and what the status shows of an asker's builds, with a
/// gateway that is a closure.
@Suite("What a host asks of the cloud tier")
struct CloudDeskTests {
  private struct Unreachable: Error {}

  private let packages = (0..<4).map { NodeSamples.facts(version: "1.\($0)") }

  private func status(_ facts: PackageFacts, _ state: PackageStatus.State) throws -> PackageStatus {
    var status = PackageStatus(refused: facts.cpv, message: "no")
    guard state != .refused else { return status }
    status.message = nil
    status.state = state
    status.fingerprint = try Fingerprint(of: facts)
    return status
  }

  private func withDesk(
    _ submit: @escaping CloudDesk.Submit, _ body: (CloudDesk, Catalog) async throws -> Void
  ) async throws {
    try await Scratch.run { scratch in
      let catalog = try Catalog(directory: scratch.root, now: WallClock.now)
      let client = try GatewayClient(.init(url: "http://127.0.0.1:1", token: "none"))
      let desk = CloudDesk(
        client: client, catalog: catalog, logger: Logger(label: "test"), submit: submit)
      try await body(desk, catalog)
    }
  }

  @Test func budgetIsKeptWhereTheGatewayCanNotBeReached() async throws {
    let isUp = Mutex(false)
    try await withDesk({ packages, _ in
      guard isUp.withLock({ $0 }) else { throw Unreachable() }
      return try packages.map { try status($0, .queued) }
    }) { desk, _ in
      for _ in 0..<3 {
        await #expect(throws: Unreachable.self) {
          try await desk.orderWithinBudget(packages, limit: 2)
        }
      }
      isUp.withLock { $0 = true }
      let rows = try await desk.orderWithinBudget(packages, limit: 2)
      #expect(rows.count == 2)
      let more = try await desk.orderWithinBudget(packages, limit: 2)
      #expect(more.isEmpty)
    }
  }

  @Test func repeatedSyncAsksForNothingThatIsAwaited() async throws {
    let asked = Mutex<[String]>([])
    try await withDesk({ packages, _ in
      asked.withLock { $0 += packages.map(\.cpv) }
      return try packages.map { try status($0, .queued) }
    }) { desk, _ in
      for _ in 0..<3 { _ = try await desk.orderWithinBudget(Array(packages[..<2]), limit: 3) }
      #expect(asked.withLock { $0 } == packages[..<2].map(\.cpv))
      // Repeats cost nothing: there is one left for what is new.
      let rows = try await desk.orderWithinBudget(packages, limit: 3)
      #expect(rows.map(\.package) == [packages[2].cpv])
    }
  }

  @Test func refusedPackageIsToldOnceAndCostsNothing() async throws {
    let first = packages[0].cpv
    try await withDesk({ packages, _ in
      try packages.map { try status($0, $0.cpv == first ? .refused : .queued) }
    }) { desk, catalog in
      let rows = try await desk.orderWithinBudget(packages, limit: 1)
      #expect(rows.map(\.state) == ["refused"])
      #expect(try await catalog.takeNotices().map(\.cpv) == [first])
      let next = try await desk.orderWithinBudget(packages, limit: 1)
      #expect(next.map(\.package) == [packages[1].cpv])
      #expect(try await catalog.takeNotices().isEmpty)
    }
  }

  @Test func failedBuildIsAskedForAgainOnceItsFailureIsOld() async throws {
    try await withDesk({ packages, _ in try packages.map { try status($0, .queued) } }) {
      desk, catalog in
      let memory = BuildSettings().remembersFailure
      for (facts, age) in [(packages[0], Duration.seconds(60)), (packages[1], memory)] {
        try await catalog.post(
          Notice(
            fingerprint: Fingerprint(of: facts).bytes, cpv: facts.cpv, outcome: .failed,
            message: "", created: WallClock.now - age))
      }
      let rows = try await desk.orderWithinBudget(Array(packages[..<2]), limit: 9)
      #expect(rows.map(\.package) == [packages[1].cpv])
    }
  }

  @Test func ordersAreShownInTheStatus() async throws {
    try await withDesk({ packages, _ in
      try packages.map { try status($0, .queued) }
    }) { desk, _ in
      #expect(await desk.jobs().isEmpty)
      _ = try await desk.order(Array(packages[..<2]))
      let jobs = await desk.jobs()
      #expect(jobs.map(\.name) == packages[..<2].map(\.cpv))
      #expect(jobs.map(\.state) == ["queued", "queued"])
    }
  }

  @Test func buildIsShownWithWhatTheGatewaySaidLastUntilItsCommandEnds() throws {
    let now = NodeSamples.now
    var asked = AskedBuilds()
    asked.follow(
      [try status(packages[0], .queued), try status(packages[1], .refused)], as: "group", now: now)
    var leased = try status(packages[0], .leased)
    leased.worker = "w1"
    asked.note(leased)
    let old = AskedBuilds.Build(
      cpv: packages[2].cpv, fingerprint: try Fingerprint(of: packages[2]), since: nil)
    let later = now + .seconds(30)
    #expect(
      asked.jobs(background: [old], now: later) == [
        StatusSnapshot.Job(name: packages[0].cpv, state: "leased", age: 30, detail: "w1"),
        StatusSnapshot.Job(name: packages[2].cpv, state: "asked", age: 0),
      ])
    asked.end("group")
    #expect(asked.jobs(background: [], now: later).isEmpty)
  }

  @Test func buildThatTwoRequestsWaitForIsOneRow() throws {
    let now = NodeSamples.now
    var asked = AskedBuilds()
    asked.follow([try status(packages[0], .queued)], as: "group", now: now)
    let same = AskedBuilds.Build(
      cpv: packages[0].cpv, fingerprint: try Fingerprint(of: packages[0]),
      since: now - .seconds(60))
    #expect(asked.jobs(background: [same], now: now).map(\.age) == [60])
  }
}
