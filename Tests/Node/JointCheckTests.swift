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

  private func findings(_ candidates: [JointCheck.Candidate]) -> [String] {
    JointCheck.findings(of: candidates, host: NodeSamples.host(), installed: []).map(Self.words)
  }

  /// The finding in a word, with the fields.
  static func words(_ finding: JointCheck.Finding) -> String {
    func fields(_ problems: [Mismatch]) -> String {
      problems.map(\.field).joined(separator: " ")
    }
    return switch finding {
    case .sound: "sound"
    case .wrong(let problems): "wrong \(fields(problems))"
    case .lacking(let problems): "lacking \(fields(problems))"
    case .following(let problems): "following \(fields(problems))"
    }
  }

  @Test func soundBuildHasNoProblem() throws {
    #expect(findings([try candidate("hello")]) == ["sound"])
    #expect(findings([]) == [])
  }

  @Test func libraryMayComeFromAnotherPackageOfThePlan() throws {
    let library = try candidate("library", provides: "x86_64: liba.so.1")
    let user = try candidate("user", requires: "x86_64: liba.so.1")
    #expect(findings([user, library]) == ["sound", "sound"])
    #expect(findings([user]) == ["lacking REQUIRES"])
  }

  @Test func libraryMayBeInstalled() throws {
    let user = try candidate("user", requires: "x86_64: liba.so.1")
    let installed = InstalledPackage(
      cpv: "app-lab/library-1.0", slot: "0", provides: "x86_64: liba.so.1")
    let found = JointCheck.findings(of: [user], host: NodeSamples.host(), installed: [installed])
    #expect(found == [.sound])
  }

  @Test func whoNeedsAPackageThatFallsOutFallsOutToo() throws {
    let bad = try candidate("library", provides: "x86_64: liba.so.1", slot: "7")
    let middle = try candidate(
      "middle", provides: "x86_64: libb.so.1", requires: "x86_64: liba.so.1")
    let last = try candidate("last", requires: "x86_64: libb.so.1")
    let alone = try candidate("alone")
    #expect(
      findings([last, middle, bad, alone])
        == ["following REQUIRES", "lacking REQUIRES", "wrong SLOT subslot", "sound"])
  }

  @Test func twoThatNeedEachOtherStandTogether() throws {
    let left = try candidate(
      "left", provides: "x86_64: libl.so.1", requires: "x86_64: libr.so.1")
    let right = try candidate(
      "right", provides: "x86_64: libr.so.1", requires: "x86_64: libl.so.1")
    #expect(findings([left, right]) == ["sound", "sound"])
  }

  @Test func aMissingLibraryIsNoFaultOfTheIssuerNorNamedAmongItsFaults() throws {
    let both = try candidate("both", requires: "x86_64: liba.so.1", slot: "7")
    #expect(findings([both]) == ["wrong SLOT subslot"])
  }
}
