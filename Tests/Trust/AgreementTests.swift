import Foundation
import Portage
import TestSupport
import Testing
import Wire

@testable import Trust

@Suite("The agreement digest") struct AgreementTests {
  typealias Change = @Sendable (inout BuiltPackage) -> Void

  /// What two hosts' builds of one package may differ in.
  static let irrelevant: [Change] = [
    { $0.metadata["BUILD_TIME"] = "1795000000" },
    { $0.metadata["BUILD_ID"] = "7" },
    { $0.metadata["SIZE"] = "999" },
    { $0.metadata["FEATURES"] = "ccache" },
    { $0.metadata["CFLAGS"] = "-O3" },
    { $0.metadata["NEEDED.ELF.2"] = "X86_64;/usr/bin/caskcat;;;libc.so.6;x86_64" },
    { $0.metadata["RDEPEND"]?.replace("glibc-2.40", with: "glibc-2.41-r3") },
    { $0.metadata["RDEPEND"]?.replace("dev-lab/b:0/3=", with: "dev-lab/b:0/4=") },
    { $0.metadata["REQUIRES"] = "x86_64: libcask.so.2 libc.so.6" },
    { $0.variables["CFLAGS"] = "-O3 -march=native" },
    { $0.variables["MAKEOPTS"] = "-j64" },
    { $0.variables["HOME"] = "/var/tmp/home" },
    { $0.variables["LC_ALL"] = "C" },
    { $0.variables["BUILD_DIR"] = "/mnt/x/portage/app-lab/caskcat-1.0-r1/work/build" },
    { $0.image.swapAt(2, 3) },
  ]

  /// What it must show.
  static let relevant: [Change] = [
    { $0.code += "pkg_preinst () \n{ \n    true\n}\n" },
    { $0.code = "true\n" + $0.code },
    { $0.variables["TZ"] = "$(touch /tmp/owned)" },
    { $0.variables["PROMPT_COMMAND"] = "true" },
    { $0.variables["BUILD_DIR"] = "/var/tmp/portage/app-lab/caskcat-1.0-r1/other" },
    { $0.variables["BUILD_DIR"] = "/var/tmp/portage/app-lab/caskcat-1.0-r12/work/build" },
    { $0.metadata["caskcat-1.0-r1.ebuild"] = "EAPI=8" },
    { $0.metadata["PROVIDES"] = "x86_64: libother.so.1" },
    { $0.metadata["IUSE"]? += " more" },
    { $0.metadata["RDEPEND"]? += " dev-lab/more" },
    { $0.image[2].content.append(0) },
    { $0.image[2].mode = 0o4755 },
    { $0.image[2].path = "image/usr/bin/caskcats" },
    { $0.image[3].target = "/usr/bin/caskcat" },
    { $0.image[1].mode = 0o700 },
    { $0.image.append(.directory("image/var")) },
    { $0.image.removeLast() },
  ]

  @Test(arguments: irrelevant.indices) func buildersMayDifferInWhatTheirHostsAre(row: Int) throws {
    let changed = try BuiltPackage(Self.irrelevant[row]).described()
    #expect(try changed.agreement == BuiltPackage().described().agreement)
  }

  @Test(arguments: relevant.indices) func whatIsInstalledOrRunChangesIt(row: Int) throws {
    let changed = try BuiltPackage(Self.relevant[row]).described()
    #expect(try changed.agreement != BuiltPackage().described().agreement)
  }

  @Test func textThatBashWouldRunIsNoVariable() throws {
    // What follows it is then code as well, and the facts that stand there are missing.
    #expect(throws: GpkgInspector.InspectError.self) {
      try BuiltPackage { $0.variables["CFLAGS"] = "$(touch /tmp/owned)" }.described()
    }
  }

  @Test func whichNameOfAFileATarCallsTheLinkDoesNotMatter() throws {
    let content = Array("same".utf8)
    let one = try BuiltPackage {
      $0.image += [
        .file("image/usr/bin/a", content), .hardLink("image/usr/bin/b", to: "image/usr/bin/a"),
      ]
    }.described()
    let other = try BuiltPackage {
      $0.image += [
        .file("image/usr/bin/b", content), .hardLink("image/usr/bin/a", to: "image/usr/bin/b"),
      ]
    }.described()
    let copies = try BuiltPackage {
      $0.image += [.file("image/usr/bin/a", content), .file("image/usr/bin/b", content)]
    }.described()
    #expect(one.agreement == other.agreement)
    #expect(one.agreement != copies.agreement)
  }

  @Test func realBuildsOnTwoHostsAgree() throws {
    let (one, other) = (try real("alpha"), try real("beta"))
    #expect(one != other)
    let (first, second) = (try BuiltPackage.inspect(one), try BuiltPackage.inspect(other))
    #expect(first.agreement == second.agreement)
    #expect(first.buildTime != second.buildTime)
    #expect(first.fields == second.fields)
    #expect(first.libc?.package == "sys-libs/glibc")
    #expect(first.symbols.contains { $0.hasPrefix("GLIBC_2.") })
  }

  @Test func aRealBuildWithOnlyItsEnvironmentSwappedDiffers() throws {
    let path = BuiltPackage.fixture("caskcat-alpha.gpkg.tar").path
    var recorder = ImageRecorder()
    let metadata = try Gpkg.read(
      path: path, digest: { BLAKE2bMemberDigest() }, visitor: &recorder)
    let packed = try #require(metadata.environment)
    let text = String(decoding: try BashEnvironment(bzip2: packed).bytes, as: UTF8.self)
    func rebuilt(_ environment: String) throws -> GpkgDescription {
      var fixture = GpkgFixture("caskcat-1.0")
      fixture.metadata = metadata.files
      fixture.metadata["environment.bz2"] = GpkgFixture.bzip2(environment)
      fixture.image = recorder.entries.filter { !$0.path.isEmpty }.map { entry in
        let type: UInt32 = entry.kind == .directory ? 0o040000 : 0o100000
        return GpkgFixture.Entry(
          path: "image/\(entry.path)", type: type, mode: entry.mode,
          content: recorder.contents[entry.path] ?? [])
      }
      return try BuiltPackage.inspect(fixture.bytes())
    }
    let original = try GpkgInspector.inspect(path: path)
    let payload = "pkg_preinst () \n{ \n    touch \"${EROOT}/tampered\"\n}\n"
    #expect(try rebuilt(text).agreement == original.agreement)
    let swapped = try rebuilt(text + payload)
    #expect(swapped.agreement != original.agreement)
    #expect(swapped.fields == original.fields)
  }

  private func real(_ host: String) throws -> [UInt8] {
    Array(try Data(contentsOf: BuiltPackage.fixture("caskcat-\(host).gpkg.tar")))
  }
}
