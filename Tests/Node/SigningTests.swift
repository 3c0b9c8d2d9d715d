import Cloud
import Cryptography
import Emerge
import FoundationEssentials
import Logging
import PeerNetwork
import Storage
import Testing
import Trust
import Wire

import struct Builder.BuildRequest
import struct Builder.FinishedBuild

@testable import Node

/// What a node signs, with real files, a fake Portage and a network without peers.
@Suite("What a node signs")
struct SigningTests {
  private struct Rig {
    let state: NodeState
    let network: NodeNetwork
    let portage: FakePortage
    let key: SigningKey
    let logger = Logger(label: "test")

    var gateway: GatewayAcceptance {
      GatewayAcceptance(
        key: key, validity: .seconds(60 * 86_400),
        rules: GatewayRules(licences: ["@FREE"], helper: portage.helper), state: state,
        peers: network.peers)
    }

    var publisher: BuildPublisher {
      var settings = Configuration.Publish()
      settings.licences = ["@FREE"]
      return BuildPublisher(
        settings: settings, key: key, helper: portage.helper, catalog: state.catalog,
        store: state.store, peers: network.peers, logger: logger)
    }

    var upkeep: StatementUpkeep {
      StatementUpkeep(
        validity: .seconds(60 * 86_400), key: key, catalog: state.catalog, store: state.store,
        peers: network.peers, logger: logger)
    }
  }

  private func withRig(_ body: (Scratch, Rig) async throws -> Void) async throws {
    try await Scratch.run { scratch in
      let key = try KeyStore(scratch.paths).generate(.issuer)
      let portage = try FakePortage(in: scratch)
      try portage.answer(HelperReport(portage: "3.0.83", host: NodeSamples.host()))
      let logger = Logger(label: "test")
      let state = try await NodeState(paths: scratch.paths, logger: logger)
      var settings = Configuration()
      settings.listen.address = "127.0.0.1"
      settings.listen.port = 0
      let network = try await NodeNetwork(state: state, settings: settings, logger: logger)
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try? await network.dht.run() }
        tasks.addTask { try? await network.transfer.run() }
        try await body(
          scratch, Rig(state: state, network: network, portage: portage, key: key))
        tasks.cancelAll()
      }
    }
  }

  private func upload(_ facts: PackageFacts, slot: String = "0", in scratch: Scratch) throws
    -> String
  {
    let path = "\(scratch.root)/upload.gpkg.tar"
    try AtomicFile.write(JointCheckTests.gpkg(facts, slot: slot), to: path, mode: 0o644)
    return path
  }

  /// What the helper says of the file at `path`.
  private func described(_ path: String) throws -> PackageFacts.BuiltFile {
    let bytes = try #require(try AtomicFile.read(path))
    var digests = FileDigests()
    digests.update(bytes)
    return PackageFacts.BuiltFile(
      file: path, size: UInt64(bytes.count), md5: digests.finalize().md5.hex)
  }

  /// The build of these facts that lies at `path`.
  private func build(
    _ facts: PackageFacts, at path: String, _ change: (inout PackageFacts) -> Void = { _ in }
  ) throws -> FinishedBuild {
    var built = facts
    built.gpkg = try described(path)
    change(&built)
    return try FinishedBuild(built, of: BuildRequest(facts))
  }

  private func refusal(
    _ rig: Rig, _ path: String, _ facts: PackageFacts
  ) async throws -> String {
    do {
      _ = try await rig.gateway.accept(path, build(facts, at: path))
      return "accepted"
    } catch let refused as ResultRefused {
      return refused.reason
    }
  }

  @Test func whatWasAskedForIsSignedKeptAndAnnounced() async throws {
    try await withRig { scratch, rig in
      let facts = NodeSamples.facts()
      let path = try upload(facts, in: scratch)
      let accepted = try await rig.gateway.accept(path, build(facts, at: path))
      let signed = try SignedStatement(verifying: accepted.statement, now: WallClock.now)
      #expect(signed.issuer == rig.key.publicKey)
      #expect(signed.statement.fingerprint == (try Fingerprint(of: facts)))
      #expect(signed.statement.root.bytes == accepted.root)
      #expect(try await rig.state.store.size(of: signed.statement.root) == accepted.size)
      #expect(try await rig.state.catalog.ownBuild(signed.statement.root) != nil)
    }
  }

  @Test func compilerFlagsAndRecipeOfTheBuildAreSignedNotThoseOfTheAsker() async throws {
    try await withRig { scratch, rig in
      let facts = NodeSamples.facts()
      let path = try upload(facts, in: scratch)
      let build = try build(facts, at: path) { built in
        built.compiler.version = "15.1.0"
        built.flags = ["CFLAGS": "-O3 -mavx2"]
        built.cpu.features.append("avx2")
        built.recipe.ebuild = String(repeating: "3c", count: 32)
      }
      let accepted = try await rig.gateway.accept(path, build)
      let signed = try SignedStatement(verifying: accepted.statement, now: WallClock.now)
      let judged = signed.statement.judged
      let stated = JudgedFacts(of: build.facts)
      #expect(judged.compiler == stated.compiler && judged.flags == stated.flags)
      #expect(judged.features == stated.features && judged.recipe == stated.recipe)
      #expect(judged.flags != JudgedFacts(of: facts).flags)
      #expect(signed.statement.fingerprint == (try Fingerprint(of: facts)))
    }
  }

  @Test func factsOfAnotherFileAreRefused() async throws {
    try await withRig { scratch, rig in
      let facts = NodeSamples.facts()
      let path = try upload(facts, in: scratch)
      let real = try #require(try build(facts, at: path).facts.gpkg)
      let zeros = String(repeating: "0", count: 32)
      for stated in [
        PackageFacts.BuiltFile(file: "x", size: real.size, md5: zeros),
        PackageFacts.BuiltFile(file: "x", size: real.size + 1, md5: real.md5), nil,
      ] {
        let build = try build(facts, at: path) { $0.gpkg = stated }
        await #expect(throws: ResultRefused.self) { try await rig.gateway.accept(path, build) }
      }
      #expect(try await rig.state.catalog.ownBuilds(of: facts.cpv).isEmpty)
      #expect(rig.state.store.contents.isEmpty)
    }
  }

  @Test func whatMayNotBePassedOnIsNotEvenBuilt() async throws {
    try await Scratch.run { scratch in
      let portage = try FakePortage(in: scratch)
      try portage.answer(HelperReport(portage: "3.0.83", host: NodeSamples.host()))
      let rules = GatewayRules(licences: ["@FREE"], helper: portage.helper)
      func objection(_ field: String, _ value: String) async throws -> String? {
        let facts = NodeSamples.facts { $0.index[field] = value }
        return await rules.objection(to: try BuildRequest(facts))
      }
      #expect(try await objection("RESTRICT", "strip test") == nil)
      let licence = try await objection("LICENSE", "all-rights-reserved")
      #expect(licence?.contains("all-rights-reserved") == true)
      for word in ["fetch", "mirror", "bindist"] {
        let reason = try await objection("RESTRICT", "strip \(word)")
        #expect(reason == "RESTRICT=\(word) forbids passing it on")
      }
      #expect(try await objection("PROPERTIES", "live")?.contains("live") == true)
      let saved = try await objection("USE", "amd64 nls savedconfig")
      #expect(saved?.contains("savedconfig") == true)
    }
  }

  @Test func withoutItsLicenceGroupsAGatewayBuildsNothing() async throws {
    try await Scratch.run { scratch in
      let rules = GatewayRules(
        licences: ["@FREE"], helper: PortageHelper(.init(program: "\(scratch.root)/none")))
      let reason = await rules.objection(to: try BuildRequest(NodeSamples.facts()))
      #expect(reason?.hasPrefix("the gateway can't read its licence groups") == true)
    }
  }

  @Test func anotherPackageThanAskedForIsRefusedNamingTheField() async throws {
    try await withRig { scratch, rig in
      let facts = NodeSamples.facts()
      let path = try upload(facts, slot: "7", in: scratch)
      #expect(try await refusal(rig, path, facts).contains("SLOT"))
    }
  }

  @Test func garbageAndForbiddenLicencesAreRefused() async throws {
    try await withRig { scratch, rig in
      let facts = NodeSamples.facts()
      let path = "\(scratch.root)/upload.gpkg.tar"
      try AtomicFile.write(Array("no package".utf8), to: path, mode: 0o644)
      #expect(try await refusal(rig, path, facts).contains("not a usable gpkg"))
      let proprietary = NodeSamples.facts { $0.index["LICENSE"] = "all-rights-reserved" }
      let other = try upload(proprietary, in: scratch)
      #expect(try await refusal(rig, other, proprietary).contains("all-rights-reserved"))
      #expect(try await rig.state.catalog.blobTotals().count == 0)
      #expect(rig.state.store.contents.isEmpty)
    }
  }

  @Test func fileSwappedBetweenDescriptionAndImportIsNotPublished() async throws {
    try await withRig { scratch, rig in
      let path = try upload(NodeSamples.facts(), in: scratch)
      let file = try described(path)
      let facts = NodeSamples.facts { facts in
        facts.gpkg = file
        facts.provenance = Provenance(
          installedMD5: file.md5, built: Provenance.Build(started: 1_000, finished: 1_010),
          newestInput: Provenance.Input(path: "/repo/hello.ebuild", changed: 999))
      }
      try rig.portage.answer(
        HelperReport(portage: "3.0.83", host: NodeSamples.host(), packages: [facts]))
      // Another package of the same name and facts, as a rebuild or a thief would leave it.
      try AtomicFile.write(
        JointCheckTests.gpkg(NodeSamples.facts(), provides: "x86_64: libother.so.1"), to: path,
        mode: 0o644)
      guard case .tooEarly(let refusals) = try await rig.publisher.publish([path]).first else {
        Issue.record("the swapped file was not refused")
        return
      }
      #expect(refusals == [.fileChanged])
      #expect(rig.state.store.contents.isEmpty)
      #expect(try await rig.state.catalog.ownBuilds(of: facts.cpv).isEmpty)
      // The file that was described is published.
      _ = try upload(NodeSamples.facts(), in: scratch)
      guard case .published(let signed, _) = try await rig.publisher.publish([path]).first else {
        Issue.record("the described file was not published")
        return
      }
      #expect(signed.statement.md5.hex == file.md5)
      #expect(rig.state.store.contents.keys.map(\.self) == [signed.statement.root])
    }
  }

  @Test func statementIsRenewedInTheLastThirdOfItsLife() async throws {
    try await withRig { scratch, rig in
      let facts = NodeSamples.facts()
      let path = try upload(facts, in: scratch)
      _ = try await rig.gateway.accept(path, build(facts, at: path))
      let build = try #require(try await rig.state.catalog.ownBuilds(of: facts.cpv).first)
      let first = try SignedStatement(verifying: build.statement).statement
      try await rig.upkeep.renewDue(at: first.created + .seconds(30 * 86_400))
      #expect(
        try await rig.state.catalog.ownBuilds(of: facts.cpv).first?.statement == build.statement)
      try await rig.upkeep.renewDue(at: first.created + .seconds(41 * 86_400))
      let renewed = try #require(try await rig.state.catalog.ownBuilds(of: facts.cpv).first)
      let second = try SignedStatement(verifying: renewed.statement).statement
      #expect(second.sequence == first.sequence + 1)
      #expect(second.expires == first.created + .seconds(101 * 86_400))
    }
  }

  @Test func statementOfAClockThatWasAheadIsSignedAnew() async throws {
    try await withRig { scratch, rig in
      let facts = NodeSamples.facts()
      let path = try upload(facts, in: scratch)
      _ = try await rig.gateway.accept(path, build(facts, at: path))
      let build = try #require(try await rig.state.catalog.ownBuilds(of: facts.cpv).first)
      let first = try SignedStatement(verifying: build.statement).statement
      for (back, isRenewed) in [(Int64(60), false), (3_600, true)] {
        let right = first.created - .seconds(back)
        try await rig.upkeep.renewDue(at: right)
        let now = try #require(try await rig.state.catalog.ownBuilds(of: facts.cpv).first)
        #expect((now.statement != build.statement) == isRenewed)
        #expect((try? SignedStatement(verifying: now.statement, now: right)) != nil)
      }
      // A clock that was never set signs nothing.
      try await rig.upkeep.renewDue(at: Timestamp(86_400))
      let last = try #require(try await rig.state.catalog.ownBuilds(of: facts.cpv).first)
      #expect(
        try SignedStatement(verifying: last.statement).statement.sequence == first.sequence + 1)
    }
  }

  @Test func pinnedPackageIsKeptUntilItIsReleased() async throws {
    try await withRig { scratch, rig in
      let facts = NodeSamples.facts()
      let path = try upload(facts, in: scratch)
      _ = try await rig.gateway.accept(path, build(facts, at: path))
      let catalog = rig.state.catalog
      let root = try #require(try await catalog.ownBuilds(of: facts.cpv).first).root
      let pins = Pins(catalog: catalog)
      #expect(try await pins.set(true, [facts.cpv]) == ["\(facts.cpv): pinned, 1 file"])
      #expect(try await catalog.blob(root)?.isPinned == true)
      #expect(try await pins.set(false, [facts.cpv]) == ["\(facts.cpv): released, 1 file"])
      #expect(try await catalog.blob(root)?.isPinned == false)
      let unknown = try await pins.set(true, ["app-lab/none-1"])
      #expect(unknown.first?.contains("no file of it is here") == true)
    }
  }

  @Test func withdrawnBuildLeavesATombstoneAndIsNotRenewed() async throws {
    try await withRig { scratch, rig in
      let facts = NodeSamples.facts()
      let path = try upload(facts, in: scratch)
      _ = try await rig.gateway.accept(path, build(facts, at: path))
      let rows = try await rig.upkeep.withdraw([facts.cpv, "app-lab/none-1"])
      #expect(rows.map(\.outcome) == [.withdrawn, .unpublished])
      #expect(rows.map(\.package) == [facts.cpv, "app-lab/none-1"])
      let kept = try await rig.state.catalog.signedStatements(
        of: Fingerprint(of: facts), now: WallClock.now)
      #expect(kept.map(\.statement.isWithdrawn) == [true])
      #expect(try await rig.state.catalog.ownBuilds(of: facts.cpv).isEmpty)
    }
  }
}
