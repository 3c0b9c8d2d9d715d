import Binhost
import Cryptography
import DHT
import FoundationEssentials
import Logging
import PeerNetwork
import Storage
import Testing
import Trust
import Wire

@testable import Node

/// What a node says and still does where its disk, clock or bootstrap file is wrong.
@Suite("A node in trouble")
struct TroubledNodeTests {
  private let logger = Logger(label: "test")

  private func withNode(
    _ scratch: Scratch, _ body: (NodeState, NodeNetwork, Configuration) async throws -> Void
  ) async throws {
    let state = try await NodeState(paths: scratch.paths, logger: logger)
    var settings = Configuration()
    settings.listen.address = "127.0.0.1"
    settings.listen.port = 0
    let network = try await NodeNetwork(state: state, settings: settings, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try? await network.dht.run() }
      tasks.addTask { try? await network.transfer.run() }
      try await body(state, network, settings)
      tasks.cancelAll()
    }
  }

  private func warnings(
    _ state: NodeState, _ network: NodeNetwork, _ settings: Configuration
  ) async -> [String] {
    await StatusBoard(
      state: state, network: network, settings: settings, publisher: nil, refresher: nil,
      troubles: Troubles()
    ) { [] }.snapshot().warnings
  }

  @Test func fullDiskDoesNotKeepAPlanFromBeingMade() async throws {
    try await Scratch.run { scratch in
      let portage = try FakePortage(in: scratch)
      let facts = NodeSamples.facts()
      try portage.answer(
        HelperReport(portage: "3.0.83", host: NodeSamples.host(), packages: [facts]))
      try TrustDirectory(scratch.paths).add(
        Issuer(key: NodeSamples.key(1).publicKey, name: "builder-1"))
      try await withNode(scratch) { state, network, settings in
        // Known from before the disk was full.
        let now = WallClock.now
        let signed = try NodeSamples.signed(facts) { statement in
          statement.buildTime = now - .seconds(60)
          statement.created = now - .seconds(60)
          statement.expires = now + .seconds(3_600)
        }
        try await state.catalog.keep([signed])
        state.catalog.faults.onWrite = .noSpace
        await #expect(throws: CatalogError.noSpace) { try await state.catalog.count(["hits": 1]) }
        let listing = Listing(
          directory: state.binhost, catalog: state.catalog, store: state.store, trust: state.trust)
        let resolver = Resolver(
          helper: portage.helper, trust: state.trust, catalog: state.catalog, store: state.store,
          peers: network.peers, listing: listing, cloud: nil, settings: settings, logger: logger)
        let report = try await resolver.resolve(["app-lab/hello"], until: .plan) { _ in }
        #expect(report.rows.map(\.package) == ["app-lab/hello-1.0"])
        #expect(report.rows.map(\.verdict) == [.accepted])
      }
    }
  }

  @Test func healthNamesWhatKeepsTheNodeFromItsWork() async throws {
    try await Scratch.run { scratch in
      try await withNode(scratch) { state, network, settings in
        let troubles = Troubles()
        let board = StatusBoard(
          state: state, network: network, settings: settings, publisher: nil, refresher: nil,
          troubles: troubles
        ) { [] }
        #expect(await board.health() == nil)
        let file = "\(scratch.paths.trust)/trust.yaml"
        try AtomicFile.makeDirectory(scratch.paths.trust)
        try AtomicFile.write(Array("isuers: []\n".utf8), to: file, mode: 0o644)
        try? await state.trust.reload()
        #expect(await board.health()?.hasPrefix("the trust list is not in force") == true)
        struct Broken: Error {}
        let part = Task {
          try await troubles.persist("publishing", logger: logger) { throw Broken() }
        }
        for _ in 0..<1_000 where troubles.warnings.isEmpty {
          try await Task.sleep(for: .milliseconds(5))
        }
        #expect(await board.health()?.hasPrefix("publishing failed") == true)
        part.cancel()
        _ = await part.result
        try state.catalog.close()
        #expect(await board.health()?.contains("the catalog can't be read") == true)
      }
    }
  }

  @Test func fewFreeBytesAreATrouble() {
    #expect(StatusBoard.diskProblem(free: nil) == nil)
    #expect(StatusBoard.diskProblem(free: 1 << 30) == nil)
    #expect(StatusBoard.diskProblem(free: 1 << 20)?.hasPrefix("the disk is full") == true)
    #expect(DiskSpace.free(at: "/") != nil && DiskSpace.free(at: "/nowhere/at/all") == nil)
  }

  @Test(.timeLimit(.minutes(1))) func requestsDoNotWaitForEachOther() async throws {
    try await Scratch.run { scratch in
      let files = StateTests()
      let (slow, quick) = (NodeSamples.facts("slow"), NodeSamples.facts("quick"))
      do {
        let state = try await files.state(scratch, trusting: 1)
        for facts in [slow, quick] {
          let build = try await files.build(facts, in: scratch, state)
          try await state.catalog.keep([#require(build.verdict.statement)])
        }
        try state.catalog.close()
      }
      // The first who asks what is installed gets no answer for now.
      let portage = try FakePortage(in: scratch)
      try portage.answer(HelperReport(portage: "3.0.83", host: NodeSamples.host()))
      let script = """
        #!/bin/sh
        case "$*" in *installed*)
          if mkdir '\(scratch.root)/asked' 2>/dev/null; then
            until [ -e '\(scratch.root)/go' ]; do sleep 0.05; done
          fi ;;
        esac
        exec cat '\(scratch.root)/report.json'
        """
      try AtomicFile.write(Array(script.utf8), to: portage.program, mode: 0o755)
      try await withNode(scratch) { state, network, settings in
        let listing = Listing(
          directory: state.binhost, catalog: state.catalog, store: state.store, trust: state.trust)
        let resolver = Resolver(
          helper: portage.helper, trust: state.trust, catalog: state.catalog, store: state.store,
          peers: network.peers, listing: listing, cloud: nil, settings: settings, logger: logger)
        async let first = resolver.obtain(slow)
        while !FileManager.default.fileExists(atPath: "\(scratch.root)/asked") {
          try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try await resolver.obtain(quick).isListed)
        try AtomicFile.write([], to: "\(scratch.root)/go", mode: 0o644)
        #expect(try await first.isListed)
        #expect(try await state.catalog.listingCount() == 2)
      }
    }
  }

  @Test func brokenBootstrapFileIsNamedWithItsLine() async throws {
    try await Scratch.run { scratch in
      try AtomicFile.makeDirectory(scratch.paths.configuration)
      try AtomicFile.write(
        Array("# fine\nwhat is this\n".utf8), to: scratch.paths.bootstrap, mode: 0o644)
      try await withNode(scratch) { state, network, settings in
        let warnings = await warnings(state, network, settings)
        let bootstrap = warnings.first { $0.hasPrefix("bootstrap peers not used") }
        #expect(bootstrap?.contains(scratch.paths.bootstrap) == true)
        #expect(bootstrap?.contains("line 2") == true)
      }
    }
  }

  @Test func soundBootstrapFileIsNotMentioned() async throws {
    try await Scratch.run { scratch in
      try AtomicFile.makeDirectory(scratch.paths.configuration)
      try AtomicFile.write(Array("# nobody yet\n".utf8), to: scratch.paths.bootstrap, mode: 0o644)
      try await withNode(scratch) { state, network, settings in
        #expect(await warnings(state, network, settings) == StatusBoard.lonely)
      }
    }
  }

  @Test func ownClockAheadIsToldFromWhatOthersRefuse() {
    var counters = KademliaCounters()
    #expect(StatusBoard.notes(isJoined: true, counters: counters).isEmpty)
    #expect(StatusBoard.notes(isJoined: false, counters: counters) == StatusBoard.lonely)
    // Others' early records say nothing of this clock.
    counters.recordsFromTheFuture = 9
    #expect(StatusBoard.notes(isJoined: true, counters: counters).isEmpty)
    counters.ownFromTheFuture = 1
    let notes = StatusBoard.notes(isJoined: true, counters: counters)
    #expect(notes.count == 1 && notes[0].hasSuffix("is its clock ahead?"))
  }
}

@Suite("Packages whose merge is awaited")
struct PendingPackagesTests {
  private func stamp(_ scratch: Scratch, at time: Timestamp) throws -> SeenPackages.Stamp {
    let path = "\(scratch.root)/a.gpkg.tar"
    try AtomicFile.write([1], to: path, mode: 0o644)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: Double(time.seconds))], ofItemAtPath: path)
    return try #require(SeenPackages.Stamp(path: path))
  }

  @Test func patienceCountsFromTheFilesTimeAndNotFromTheStart() async throws {
    try await Scratch.run { scratch in
      let now = NodeSamples.now
      var pending = PendingPackages()
      pending.insert("fresh", try stamp(scratch, at: now))
      pending.insert("old", try stamp(scratch, at: now - .seconds(3_600)))
      #expect(pending.paths == ["fresh", "old"])
      #expect(pending.isWaiting("fresh", at: now))
      #expect(pending.isWaiting("fresh", at: now + .seconds(3_599)))
      #expect(!pending.isWaiting("fresh", at: now + .seconds(3_600)))
      #expect(!pending.isWaiting("old", at: now))
    }
  }

  @Test func fileThatWasWrittenAnewIsAwaitedAnew() async throws {
    try await Scratch.run { scratch in
      let now = NodeSamples.now
      var pending = PendingPackages()
      pending.insert("a", try stamp(scratch, at: now - .seconds(7_200)))
      #expect(!pending.isWaiting("a", at: now))
      pending.insert("a", try stamp(scratch, at: now))
      #expect(pending.isWaiting("a", at: now))
      pending.remove("a")
      #expect(!pending.isWaiting("a", at: now) && pending.isEmpty)
    }
  }
}
