import Portage
import Testing
import Wire

@testable import Trust

@Suite("Entries of the index") struct IndexEntryTests {
  @Test func theyAreMadeFromTheOwnPlan() throws {
    let planned = Samples.facts()
    let statement = try Samples.statement()
    let path = "app-lab/caskcat/caskcat-1.0-r1-7.gpkg.tar"
    let entry = try IndexEntryMaker.entry(for: planned, statement: statement, path: path)
    #expect(entry["CPV"] == "app-lab/caskcat-1.0-r1")
    #expect(entry["SLOT"] == "0/2")
    #expect(entry["REPO"] == "gentoo")
    #expect(entry["SIZE"] == "4096")
    #expect(entry["MD5"] == String(repeating: "01", count: 16))
    #expect(entry["SHA1"] == String(repeating: "01", count: 20))
    #expect(entry["BUILD_TIME"] == "\((Samples.now - Samples.day).seconds)")
    #expect(entry["IUSE"] == planned.index["IUSE"] && entry["USE"] == planned.index["USE"])
    #expect(entry["RESTRICT"] == nil)
    #expect(PackagesEntry.isSafePath(path) && entry.path == path)
  }

  @Test func theLibcBoundStandsInRDEPEND() throws {
    let entry = try IndexEntryMaker.entry(
      for: Samples.facts(), statement: Samples.statement(), path: "a/b/b-1.gpkg.tar")
    #expect(
      entry["RDEPEND"] == Samples.facts().depend.rdepend + " >=sys-libs/glibc-2.40")
    let plain = try IndexEntryMaker.entry(
      for: Samples.facts(), statement: Samples.statement { $0.judged.libc = nil },
      path: "a/b/b-1.gpkg.tar")
    #expect(plain["RDEPEND"] == Samples.facts().depend.rdepend)
  }

  @Test func noTextFromAPeerReachesTheIndex() throws {
    for libc in [
      HostFacts.Libc(package: "evil/libc", version: "1"),
      HostFacts.Libc(package: "sys-libs/glibc", version: "1\nPATH:/x"),
    ] {
      #expect(throws: IndexEntryMaker.MakeError.self) {
        try IndexEntryMaker.entry(
          for: Samples.facts(), statement: Samples.statement { $0.judged.libc = libc },
          path: "a/b/b-1.gpkg.tar")
      }
    }
  }

  @Test func unsafePathsAreRefused() throws {
    #expect(throws: IndexEntryMaker.MakeError.entry(.path("../x.gpkg.tar"))) {
      try IndexEntryMaker.entry(
        for: Samples.facts(), statement: Samples.statement(), path: "../x.gpkg.tar")
    }
  }
}
