import FoundationEssentials
import Testing
import Trust
import Wire

@testable import Node

@Suite("Setting a host up")
struct SetupAndDoctorTests {
  /// A host with a fake Portage whose binrepos.conf is a directory in `scratch`.
  private func host(
    in scratch: Scratch, _ yaml: String = "", features: [String] = ["buildpkg"],
    format: String = "gpkg"
  ) throws {
    let portage = try FakePortage(in: scratch)
    let binrepos = "\(scratch.root)/etc/portage/binrepos.conf"
    try AtomicFile.makeDirectory(binrepos)
    try AtomicFile.makeDirectory(scratch.paths.configuration)
    let host = NodeSamples.host { host in
      host.portageFeatures = features
      host.binpkgFormat = format
      host.binreposConf = binrepos
      host.pkgdir = "\(scratch.root)/packages"
    }
    try portage.answer(HelperReport(portage: "3.0.83", host: host))
    let text = """
      listen: {address: 127.0.0.1, port: 0}
      http: {enabled: false}
      portage: {helper: \(portage.program)}
      \(yaml)
      """
    try AtomicFile.write(
      Array(text.utf8), to: scratch.paths.configurationFile, mode: 0o644)
  }

  private func findings(_ scratch: Scratch) async -> [String: Finding] {
    let all = await Doctor(scratch.paths).examine()
    return Dictionary(all.map { ($0.subject, $0) }) { first, _ in first }
  }

  @Test func setupWritesItsSectionAndUndoTakesItOut() async throws {
    try await Scratch.run { scratch in
      try host(in: scratch)
      let done = try await Setup(scratch.paths).run(undo: false)
      #expect(done.joined().contains("sync-uri = file://\(scratch.paths.binhost)/current"))
      #expect(await findings(scratch)["binrepos.conf"]?.state == .ok)
      _ = try await Setup(scratch.paths).run(undo: true)
      let left = try FileManager.default.contentsOfDirectory(
        atPath: "\(scratch.root)/etc/portage/binrepos.conf")
      #expect(left == [])
      #expect(await findings(scratch)["binrepos.conf"]?.state == .notice)
    }
  }

  @Test func setupRefusesWhereSignaturesAreDemanded() async throws {
    try await Scratch.run { scratch in
      try host(in: scratch, features: ["binpkg-request-signature"])
      await #expect(throws: (any Error).self) { try await Setup(scratch.paths).run(undo: false) }
      #expect(await findings(scratch)["FEATURES"]?.state == .wrong)
    }
  }

  @Test func newHostHasNothingWrong() async throws {
    try await Scratch.run { scratch in
      try host(in: scratch)
      let all = await Doctor(scratch.paths).examine()
      #expect(all.filter { $0.state == .wrong } == [])
      #expect(all.first?.subject == "configuration")
      let notices = all.filter { $0.state == .notice }
      #expect(notices.allSatisfy { !$0.advice.isEmpty })
      #expect(notices.map(\.subject).contains("trust list"))
      #expect(notices.map(\.subject).contains("bootstrap peers"))
    }
  }

  @Test func brokenConfigurationIsNamedWithItsLineAndNothingElseIsGuessed() async throws {
    try await Scratch.run { scratch in
      try host(in: scratch, "taste: sweet")
      let all = await Doctor(scratch.paths).examine()
      #expect(all.count == 1)
      #expect(all[0].state == .wrong)
      #expect(all[0].found.contains("larder.yaml:4:1"))
    }
  }

  @Test func eachBrokenPartHasItsFindingAndAdvice() async throws {
    try await Scratch.run { scratch in
      try host(in: scratch, "publish: {enabled: true}", features: [], format: "xpak")
      try AtomicFile.makeDirectory(scratch.paths.trust)
      try AtomicFile.makeDirectory(scratch.paths.keys)
      try AtomicFile.write(
        Array("isuers: []\n".utf8), to: "\(scratch.paths.trust)/trust.yaml", mode: 0o644)
      try AtomicFile.write(Array("nonsense\n".utf8), to: scratch.paths.nodeKey, mode: 0o600)
      try AtomicFile.write(Array("no peer\n".utf8), to: scratch.paths.bootstrap, mode: 0o644)
      let found = await findings(scratch)
      #expect(found["trust list"]?.state == .wrong)
      #expect(found["trust list"]?.found.contains("trust.yaml:1:1") == true)
      #expect(found["node key"]?.state == .wrong)
      #expect(found["issuer key"]?.state == .wrong)
      #expect(found["bootstrap peers"]?.state == .wrong)
      #expect(found["BINPKG_FORMAT"]?.state == .notice)
      #expect(found["FEATURES"]?.found.contains("buildpkg") == true)
      for finding in found.values where finding.state != .ok {
        #expect(!finding.advice.isEmpty, "\(finding.subject)")
      }
    }
  }

  @Test func missingHelperIsSaid() async throws {
    try await Scratch.run { scratch in
      try AtomicFile.makeDirectory(scratch.paths.configuration)
      try AtomicFile.write(
        Array("portage: {helper: /nonexistent/larder-portage}\n".utf8),
        to: scratch.paths.configurationFile, mode: 0o644)
      #expect(await findings(scratch)["Portage"]?.state == .wrong)
    }
  }

  @Test(arguments: ["127.0.0.1", "::1"])
  func portInUseIsFound(address: String) throws {
    let ip = try #require(IPAddress(address))
    // Whatever else listens here: a port is either free or said to be in use.
    #expect(PortProbe.obstacle(to: Address(ip: ip, port: 0), .streams) == nil)
    #expect(PortProbe.obstacle(to: Address(ip: ip, port: 0), .datagrams) == nil)
    let other = try #require(IPAddress("192.0.2.77"))
    #expect(PortProbe.obstacle(to: Address(ip: other, port: 0), .streams) != nil)
  }
}
