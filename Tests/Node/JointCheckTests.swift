import Foundation
import Portage
import TestSupport
import Testing
import Trust
import Wire

@testable import Node

@Suite("The check of fetched builds together")
struct JointCheckTests {
  /// A gpkg of `NodeSamples.facts(name)` that provides and needs these libraries.
  static func gpkg(
    _ facts: PackageFacts, provides: String = "", requires: String = "", slot: String = "0"
  ) -> [UInt8] {
    let environment = [
      "ABI=amd64", "DEFAULT_ABI=amd64", "MULTILIB_ABIS=amd64", "LIBDIR_amd64=lib64", "ARCH=amd64",
      "ELIBC=glibc", "KERNEL=linux",
    ].map { "declare -x \($0)\n" }.joined()
    var fixture = GpkgFixture(
      "\(facts.package)-\(facts.version)",
      metadata: [
        "CATEGORY": facts.category, "repository": facts.repository, "IUSE": "doc nls",
        "USE": "amd64 elibc_glibc kernel_linux nls", "SLOT": slot,
        "PROVIDES": provides, "REQUIRES": requires,
        "BUILD_TIME": "\((NodeSamples.now - NodeSamples.day).seconds)",
      ],
      image: [.directory("image/usr"), .file("image/usr/greeting", Array(facts.package.utf8))])
    fixture.metadata["environment.bz2"] = GpkgFixture.bzip2(environment)
    return fixture.bytes()
  }

  static func describe(_ bytes: [UInt8]) throws -> GpkgDescription {
    let file = FileManager.default.temporaryDirectory
      .appending(path: "larder-joint-\(UUID().uuidString).gpkg.tar")
    try Data(bytes).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try GpkgInspector.inspect(path: file.path)
  }

  private func candidate(
    _ name: String, provides: String = "", requires: String = "", slot: String = "0"
  ) throws -> JointCheck.Candidate {
    let facts = NodeSamples.facts(name)
    let description = try Self.describe(
      Self.gpkg(facts, provides: provides, requires: requires, slot: slot))
    let statement = try NodeSamples.signed(facts) { statement in
      statement.agreement = description.agreement
      statement.buildTime = description.buildTime
    }
    return JointCheck.Candidate(
      planned: facts, statement: statement.statement, description: description)
  }

  private func problems(_ candidates: [JointCheck.Candidate]) -> [[String]] {
    JointCheck.problems(of: candidates, host: NodeSamples.host(), installed: [])
      .map { $0.map(\.field) }
  }

  @Test func soundBuildHasNoProblem() throws {
    #expect(problems([try candidate("hello")]) == [[]])
    #expect(problems([]) == [])
  }

  @Test func libraryMayComeFromAnotherPackageOfThePlan() throws {
    let library = try candidate("library", provides: "x86_64: liba.so.1")
    let user = try candidate("user", requires: "x86_64: liba.so.1")
    #expect(problems([user, library]) == [[], []])
    #expect(problems([user]) == [["REQUIRES"]])
  }

  @Test func libraryMayBeInstalled() throws {
    let user = try candidate("user", requires: "x86_64: liba.so.1")
    let installed = InstalledPackage(
      cpv: "app-lab/library-1.0", slot: "0", provides: "x86_64: liba.so.1")
    let found = JointCheck.problems(of: [user], host: NodeSamples.host(), installed: [installed])
    #expect(found == [[]])
  }

  @Test func whoNeedsAPackageThatFallsOutFallsOutToo() throws {
    let bad = try candidate("library", provides: "x86_64: liba.so.1", slot: "7")
    let middle = try candidate(
      "middle", provides: "x86_64: libb.so.1", requires: "x86_64: liba.so.1")
    let last = try candidate("last", requires: "x86_64: libb.so.1")
    let alone = try candidate("alone")
    let found = problems([last, middle, bad, alone])
    #expect(found[0] == ["REQUIRES"])
    #expect(found[1] == ["REQUIRES"])
    #expect(found[2] == ["SLOT", "subslot"])
    #expect(found[3] == [])
  }

  @Test func twoThatNeedEachOtherStandTogether() throws {
    let left = try candidate(
      "left", provides: "x86_64: libl.so.1", requires: "x86_64: libr.so.1")
    let right = try candidate(
      "right", provides: "x86_64: libr.so.1", requires: "x86_64: libl.so.1")
    #expect(problems([left, right]) == [[], []])
  }

  @Test func aMissingLibraryIsNoFaultOfTheIssuer() {
    let library = Mismatch("REQUIRES", found: "liba.so.1", expected: "a library")
    let slot = Mismatch("slot", found: "7", expected: "0")
    #expect(!JointCheck.blamesIssuer([library]))
    #expect(JointCheck.blamesIssuer([library, slot]))
  }
}
