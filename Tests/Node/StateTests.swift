import Binhost
import Cryptography
import FoundationEssentials
import Logging
import PeerNetwork
import Portage
import Storage
import TestSupport
import Testing
import Trust
import Wire

@testable import Node

/// What needs the node's files: real catalog, blob store and directory in a scratch root.
@Suite("A node's files")
struct StateTests {
  private let logger = Logger(label: "test")

  func state(_ scratch: Scratch, trusting numbers: UInt8...) async throws -> NodeState {
    for number in numbers {
      try TrustDirectory(scratch.paths).add(
        Issuer(key: NodeSamples.key(number).publicKey, name: "builder-\(number)"))
    }
    return try await NodeState(paths: scratch.paths, logger: logger)
  }

  private func listing(_ state: NodeState) -> Listing {
    Listing(
      directory: state.binhost, catalog: state.catalog, store: state.store, trust: state.trust)
  }

  /// A fetched and accepted build of `facts`, signed by issuer 1.
  func build(
    _ facts: PackageFacts, in scratch: Scratch, _ state: NodeState, life: Duration = .seconds(3_600)
  ) async throws -> PlannedBuild {
    let path = "\(scratch.root)/\(facts.package).gpkg.tar"
    try AtomicFile.write(JointCheckTests.gpkg(facts), to: path, mode: 0o644)
    let blob = try await state.store.importFile(path, by: .copy)
    let now = WallClock.now
    try await state.catalog.add(blob.root, size: blob.size, now: now)
    let statement = try BuildStatement.make(
      from: facts, description: GpkgInspector.inspect(path: path),
      file: .init(root: blob.root, size: blob.size, md5: blob.md5, sha1: blob.sha1), now: now,
      life: life)
    let signed = try SignedStatement.sign(statement, with: NodeSamples.key(1))
    var build = try PlannedBuild(facts)
    build.verdict = await state.trust.list.judge(
      [signed], for: facts, host: NodeSamples.host(), now: now)
    build.isListed = true
    return build
  }

  private func index(_ scratch: Scratch) throws -> String {
    let bytes = try #require(
      try AtomicFile.read("\(scratch.paths.binhost)/current/Packages"))
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func listedBuildStandsInTheIndexWithThePlansWords() async throws {
    try await Scratch.run { scratch in
      let state = try await state(scratch, trusting: 1)
      let facts = NodeSamples.facts()
      let build = try await build(facts, in: scratch, state)
      #expect(build.verdict.isAccepted)
      let count = try await listing(state).take([build], host: NodeSamples.host())
      #expect(count == 1)
      let text = try index(scratch)
      #expect(text.contains("CPV: app-lab/hello-1.0\n"))
      #expect(text.contains("REPO: gentoo\n"))
      #expect(text.contains("DESC: Says hello\n"))
    }
  }

  @Test func whatIsNoLongerTrustedIsNoLongerListed() async throws {
    try await Scratch.run { scratch in
      let state = try await state(scratch, trusting: 1)
      let build = try await build(NodeSamples.facts(), in: scratch, state)
      let listing = listing(state)
      _ = try await listing.take([build], host: NodeSamples.host())
      try TrustDirectory(scratch.paths).remove("builder-1")
      try await state.trust.reload()
      #expect(try await listing.refresh() == 0)
      #expect(try !index(scratch).contains("CPV:"))
      // Taken back in, it must pass the checks of a plan again before it is listed.
      try TrustDirectory(scratch.paths).add(
        Issuer(key: NodeSamples.key(1).publicKey, name: "builder-1"))
      try await state.trust.reload()
      #expect(try await listing.refresh() == 0)
    }
  }

  @Test func fileThatALaterPlanFindsUnsoundLeavesTheIndexAndStaysInThePool() async throws {
    try await Scratch.run { scratch in
      let state = try await state(scratch, trusting: 1)
      let first = try await build(NodeSamples.facts(), in: scratch, state)
      let second = try await build(NodeSamples.facts("other"), in: scratch, state)
      let listing = listing(state)
      #expect(try await listing.take([first, second], host: NodeSamples.host()) == 2)
      let root = try #require(first.verdict.statement).statement.root
      let count = try await listing.take([second], refusing: [root], host: NodeSamples.host())
      #expect(count == 1)
      #expect(try !index(scratch).contains("CPV: app-lab/hello-1.0\n"))
      try await listing.prune()
      let path = try #require(
        BinhostDirectory.path(of: CPV("app-lab/hello-1.0"), root: "\(root)"))
      let file = "\(scratch.paths.binhost)/current/\(path)"
      #expect(FileManager.default.fileExists(atPath: file), "an emerge may be fetching it")
      // A plan in which it is sound again lists it again.
      #expect(try await listing.take([first], host: NodeSamples.host()) == 2)
    }
  }

  @Test func narrowedScopeCountsAtOnceAndAfterARestart() async throws {
    try await Scratch.run { scratch in
      do {
        let state = try await state(scratch, trusting: 1)
        let builds = [
          try await build(NodeSamples.facts(), in: scratch, state),
          try await build(NodeSamples.facts("other"), in: scratch, state),
        ]
        let listing = listing(state)
        #expect(try await listing.take(builds, host: NodeSamples.host()) == 2)
        let directory = TrustDirectory(scratch.paths)
        try directory.remove("builder-1")
        var issuer = Issuer(key: try NodeSamples.key(1).publicKey, name: "builder-1")
        issuer.packages = [try #require(PackagePattern("app-lab/other"))]
        try directory.add(issuer)
        try await state.trust.reload()
        #expect(try await listing.refresh() == 1)
        #expect(try index(scratch).contains("CPV: app-lab/other-1.0\n"))
        #expect(try await listing.refresh() == 1)
        try state.catalog.close()
      }
      let again = try await state(scratch)
      #expect(try await listing(again).refresh() == 1)
    }
  }

  @Test func withdrawnBuildIsNoLongerListed() async throws {
    try await Scratch.run { scratch in
      let state = try await state(scratch, trusting: 1)
      let build = try await build(NodeSamples.facts(), in: scratch, state)
      let listing = listing(state)
      _ = try await listing.take([build], host: NodeSamples.host())
      let statement = try #require(build.verdict.statement).statement
      try await state.catalog.keep([
        SignedStatement.sign(statement.withdrawn(at: WallClock.now), with: NodeSamples.key(1))
      ])
      #expect(try await listing.refresh() == 0)
    }
  }

  @Test func whatWasListedIsListedAfterARestart() async throws {
    try await Scratch.run { scratch in
      do {
        let state = try await state(scratch, trusting: 1)
        let build = try await build(NodeSamples.facts(), in: scratch, state)
        _ = try await listing(state).take([build], host: NodeSamples.host())
        try state.catalog.close()
      }
      let again = try await state(scratch)
      #expect(try await listing(again).refresh() == 1)
    }
  }

  @Test func typoInTheTrustListHidesTheIndexUntilItIsMended() async throws {
    try await Scratch.run { scratch in
      func entries() throws -> [Substring] {
        Array(try index(scratch).split(separator: "\n\n").dropFirst())
      }
      let file = "\(scratch.paths.trust)/trust.yaml"
      let former: [Substring]
      do {
        let state = try await state(scratch, trusting: 1)
        let build = try await build(NodeSamples.facts(), in: scratch, state)
        _ = try await listing(state).take([build], host: NodeSamples.host())
        former = try entries()
        try state.catalog.close()
      }
      #expect(former.count == 1)
      let sound = try #require(try AtomicFile.read(file))
      try AtomicFile.write(Array("isuers: []\n".utf8), to: file, mode: 0o644)
      let again = try await state(scratch)
      let listing = listing(again)
      let hidden = try await listing.refresh()
      #expect(try hidden == 0 && entries().isEmpty)
      #expect(try await again.catalog.listingCount() == 1)
      try AtomicFile.write(sound, to: file, mode: 0o644)
      try await again.trust.reload()
      #expect(try await listing.refresh() == 1)
      #expect(try entries() == former)
    }
  }

  @Test func lostCatalogTakesNoFileFromUnderARunningEmerge() async throws {
    try await Scratch.run { scratch in
      do {
        let state = try await state(scratch, trusting: 1)
        let build = try await build(NodeSamples.facts(), in: scratch, state)
        _ = try await listing(state).take([build], host: NodeSamples.host())
        try state.catalog.close()
      }
      let former = try index(scratch)
      let path = try #require(former.split(separator: "\n").first { $0.hasPrefix("PATH: ") })
      let file = "\(scratch.paths.binhost)/current/\(path.dropFirst(6))"
      try FileManager.default.removeItem(atPath: "\(scratch.paths.state)/larder.sqlite")
      let again = try await state(scratch)
      let listing = listing(again)
      #expect(try await listing.refresh() == 0)
      let now = WallClock.now
      try await listing.prune(now: now + .seconds(47 * 3_600))
      #expect(FileManager.default.fileExists(atPath: file))
      try await listing.prune(now: now + .seconds(49 * 3_600))
      #expect(!FileManager.default.fileExists(atPath: file))
    }
  }

  @Test func secondProcessOnOneRootIsRefused() async throws {
    try await Scratch.run { scratch in
      let first = try await state(scratch)
      await #expect(throws: (any Error).self) {
        _ = try await NodeState(paths: scratch.paths, logger: logger)
      }
      _ = first.lock
    }
  }

  @Test func brokenTrustFileAcceptsNothingAndSaysWhy() async throws {
    try await Scratch.run { scratch in
      try AtomicFile.makeDirectory(scratch.paths.trust)
      try AtomicFile.write(
        Array("isuers: []\n".utf8), to: "\(scratch.paths.trust)/trust.yaml", mode: 0o644)
      let state = try await state(scratch)
      #expect(await state.trust.list.issuers.isEmpty)
      #expect(await state.trust.problem?.contains("trust.yaml:1:1") == true)
    }
  }

  @Test func olderTrustListIsRefusedAndTheOneInForceStays() async throws {
    try await Scratch.run { scratch in
      let state = try await state(scratch, trusting: 1)
      let version = await state.trust.list.version
      let file = "\(scratch.paths.trust)/trust.yaml"
      try AtomicFile.write(
        Array("version: \(version - 1)\n".utf8), to: file, mode: 0o644)
      await #expect(throws: (any Error).self) { try await state.trust.reload() }
      #expect(await state.trust.list.issuers.map(\.name) == ["builder-1"])
      #expect(await state.trust.problem != nil)
    }
  }
}
