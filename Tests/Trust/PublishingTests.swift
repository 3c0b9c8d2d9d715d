import Portage
import TestSupport
import Testing
import Wire

@testable import Trust

@Suite("What may be published") struct PublishingTests {
  typealias Change = @Sendable (inout PackageFacts) -> Void
  typealias BuiltChange = @Sendable (inout BuiltPackage) -> Void

  static func facts(_ change: Change = { _ in }) -> PackageFacts {
    Samples.facts {
      $0.gpkg = PackageFacts.BuiltFile(file: "/p/caskcat.gpkg.tar", size: 9, md5: "ab12")
      $0.provenance = Provenance(
        installedMD5: "ab12", built: Provenance.Build(started: 1_000, finished: 1_010),
        newestInput: Provenance.Input(path: "/repo/caskcat.ebuild", changed: 999))
      change(&$0)
    }
  }

  func refusals(
    _ change: Change = { _ in }, origin: PublishingRules.Origin = .host,
    _ package: BuiltPackage = BuiltPackage(), hostName: String = ""
  ) throws -> [Refusal] {
    PublishingRules.refusals(
      of: Self.facts(change), description: try package.described(hostName: hostName),
      policy: PublishingRules.Policy(host: Samples.host()), origin: origin)
  }

  @Test func whatWasCompiledHereIsPublished() throws {
    #expect(try refusals() == [])
  }

  static let evidence: [(Refusal, Change)] = [
    (.notBuiltHere, { $0.provenance?.built = nil }),
    (.buildFailed, { $0.provenance?.built?.finished = nil }),
    (.notTheInstalledFile, { $0.provenance?.installedMD5 = "cd34" }),
    (.notTheInstalledFile, { $0.provenance?.installedMD5 = nil }),
    (.mergedAsBinary, { $0.provenance?.mergedAsBinary = true }),
    (
      .inputsChanged(path: "/repo/caskcat.ebuild"),
      { $0.provenance?.newestInput?.changed = 1_000 }
    ),
    (.inputsUnknown, { $0.provenance?.newestInput = nil }),
  ]

  @Test(arguments: evidence.indices) func onlyWhatThisHostCompiledIsPublished(row: Int) throws {
    let (refusal, change) = Self.evidence[row]
    #expect(try refusals(change) == [refusal])
    #expect(!refusal.message.isEmpty)
  }

  @Test(arguments: evidence.indices) func descriptionAloneTellsWhatEvidenceIsMissing(row: Int) {
    let (refusal, change) = Self.evidence[row]
    let policy = PublishingRules.Policy(host: Samples.host())
    #expect(PublishingRules.refusals(described: Self.facts(change), policy: policy) == [refusal])
    #expect(PublishingRules.refusals(described: Self.facts(), policy: policy).isEmpty)
  }

  @Test(arguments: evidence.indices) func aWorkersBuildNeedsNoSuchEvidence(row: Int) throws {
    #expect(try refusals(Self.evidence[row].1, origin: .worker) == [])
  }

  @Test func withoutProvenanceNothingIsPublished() throws {
    #expect(try refusals { $0.provenance = nil } == [.notBuiltHere])
  }

  static let never: [(Refusal, Change)] = [
    (.restricted("fetch"), { $0.index["RESTRICT"] = "fetch" }),
    (.restricted("mirror"), { $0.index["RESTRICT"] = "strip mirror" }),
    (.restricted("bindist"), { $0.index["RESTRICT"] = "bindist" }),
    (.licence("Proprietary"), { $0.index["LICENSE"] = "GPL-2 Proprietary" }),
    (.licence("(none given)"), { $0.index["LICENSE"] = "" }),
    (.licence("( MIT"), { $0.index["LICENSE"] = "( MIT" }),
    (.live, { $0.index["PROPERTIES"] = "interactive live" }),
    (.savedConfiguration, { $0.provenance?.savedconfig = true }),
    (.savedConfiguration, { $0.index["USE"]? += " savedconfig" }),
    (
      .accountOverrides(["ACCT_USER_CAT_SHELL"]),
      { $0.provenance?.accountOverrides = ["ACCT_USER_CAT_SHELL"] }
    ),
    (.hooks(["etc/portage/bashrc"]), { $0.provenance?.hooks = ["etc/portage/bashrc"] }),
    (
      .secrets(["environment: GITHUB_TOKEN"]),
      { $0.provenance?.secrets = ["environment: GITHUB_TOKEN"] }
    ),
    (.factsDiffer(field: "SLOT"), { $0.slot = "1" }),
  ]

  @Test(arguments: never.indices) func someIsNeverPublishedWhoeverBuiltIt(row: Int) throws {
    let (refusal, change) = Self.never[row]
    #expect(try refusals(change) == [refusal])
    #expect(try refusals(change, origin: .worker) == [refusal])
    #expect(!refusal.message.isEmpty)
  }

  @Test func ofAChoiceOfLicencesOneIsEnough() throws {
    #expect(try refusals { $0.index["LICENSE"] = "|| ( Proprietary MIT )" } == [])
    #expect(
      try refusals { $0.index["LICENSE"] = "GPL-2 || ( A ( B MIT ) )" }
        == [.licence("A"), .licence("B")])
  }

  @Test func emptyPackagesNeedNoLicence() throws {
    let package = BuiltPackage { $0.metadata["CATEGORY"] = "virtual" }
    let found = try refusals(
      {
        $0.category = "virtual"
        $0.index["LICENSE"] = ""
      }, package)
    #expect(found == [])
  }

  @Test func groupsOfLicencesAreTheHostsOwn() {
    let policy = PublishingRules.Policy(
      groups: ["@BINARY-REDISTRIBUTABLE", "Own-1", "@UNKNOWN"], host: Samples.host())
    #expect(policy.licenses == ["GPL-2", "MIT", "Own-1"])
  }

  @Test func kernelModulesWantABoundDistributionKernel() throws {
    let module: BuiltChange = {
      $0.image.append(.file("image/lib/modules/6.6.1/extra/cat.ko", [1]))
    }
    #expect(try refusals({ _ in }, BuiltPackage(module)) == [.kernelModules])
    let depend = "dev-lab/libcask:0/2= dev-lab/headers virtual/dist-kernel:0/6.6.1="
    let bound = BuiltPackage {
      module(&$0)
      $0.metadata["DEPEND"] = depend
    }
    #expect(try refusals({ $0.depend.depend = depend }, bound) == [])
    let loose = "dev-lab/libcask:0/2= dev-lab/headers virtual/dist-kernel"
    let unbound = BuiltPackage {
      module(&$0)
      $0.metadata["DEPEND"] = loose
    }
    #expect(try refusals({ $0.depend.depend = loose }, unbound) == [.kernelModules])
  }

  static let secrets: [(String, BuiltChange)] = [
    ("environment: GITHUB_TOKEN", { $0.variables["GITHUB_TOKEN"] = "x" }),
    ("environment: DB_PASSWORD", { $0.variables["DB_PASSWORD"] = "x" }),
    ("environment: EXTRA", { $0.variables["EXTRA"] = "ghp_0123456789abcdef0123" }),
    ("environment: EXTRA", { $0.variables["EXTRA"] = "https://u:p@example.org/x" }),
    ("environment: EXTRA", { $0.variables["EXTRA"] = "-----BEGIN RSA PRIVATE KEY-----" }),
    ("environment: EXTRA", { $0.variables["EXTRA"] = "/home/alice/src" }),
    ("environment: EXTRA", { $0.variables["EXTRA"] = "built on pantry.example" }),
    ("metadata: DESCRIPTION", { $0.metadata["DESCRIPTION"] = "by /root/build" }),
    ("path: /home/alice", { $0.image.append(.file("image/home/alice/x", [1])) }),
    ("path: /home/alice", { $0.image.append(.symbolicLink("image/usr/l", to: "/home/alice/x")) }),
  ]

  @Test(arguments: secrets.indices) func secretsInsideKeepAPackageBack(row: Int) throws {
    let (secret, change) = Self.secrets[row]
    let found = try refusals({ _ in }, BuiltPackage(change), hostName: "pantry.local")
    #expect(found == [.secrets([secret])])
  }

  @Test func harmlessTextIsNoSecret() throws {
    let package = BuiltPackage {
      $0.variables["TOKEN_FILE"] = ""
      $0.variables["EXTRA"] = "https://example.org/a@b usr/home/x /homes/y gentoo"
      $0.metadata["DESCRIPTION"] = "A tool for chroot/overlays and pantry-like shelves"
    }
    #expect(try refusals({ _ in }, package, hostName: "gentoo") == [])
    #expect(try refusals({ _ in }, package, hostName: "pantry") == [])
  }
}
