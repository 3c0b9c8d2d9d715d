import Portage
import Testing

@Suite struct PrintedEntryTests {
  private static let digest = String(repeating: "a", count: 32)

  private func check(_ text: String) throws(PackagesEntry.ValidityError) -> PrintedEntry.Facts {
    try PrintedEntry(lines: Array(text.utf8)).check()
  }

  @Test func printedEntrySaysWhatTheEntrySays() throws {
    let fields = ["SIZE": "12", "MD5": Self.digest, "SLOT": "0", "DESC": "tüchtig", "EAPI": "8"]
    let entry = try PackagesEntry(cpv: CPV("a/b-1"), path: "a/b/b-1-1.gpkg.tar", fields: fields)
    let printed = PrintedEntry(entry)
    let facts = try printed.check()
    #expect(facts.cpv == "a/b-1" && facts.path == "a/b/b-1-1.gpkg.tar")
    #expect(facts.size == 12 && facts.hasDigest)
    #expect(printed["DESC"] == "tüchtig" && printed["SLOT"] == nil)
  }

  @Test func printedEntriesMakeTheIndexOfPortage() throws {
    let bytes = try Fixture.bytes("Packages")
    let index = try PackagesIndex(bytes)
    var written: [UInt8] = []
    var writer = PackagesWriter<Never>(header: index.header, count: index.entries.count) {
      written += $0
    }
    for entry in index.entries { writer.append(PrintedEntry(entry)) }
    writer.finish()
    #expect(try PackagesIndex(written) == index)
  }

  @Test(arguments: [
    "CPV: a/b-1\n", "PATH: a/b/b-1-1.gpkg.tar\n", "CPV: a/b\nPATH: a/b/b-1-1.gpkg.tar\n", "",
    "CPV: a/b-1\nPATH: a/../b.gpkg.tar\n", "CPV: a/b-1\nPATH: a/b/b-1-1.gpkg.tar",
    "CPV: a/b-1\nPATH: x.gpkg.tar\n\nCPV: a/c-1\n", "CPV: a/b-1\nPATH: x.gpkg.tar\nno colon\n",
    "CPV: a/b-1\nPATH: x.gpkg.tar\nSIZE: -1\n", "CPV: a/b-1\nPATH: x.gpkg.tar\nMD5: zz\n",
    "CPV: a/b-1\nPATH: x.gpkg.tar\nDESC: a\u{1}\n", "CPV: a/b-1\nPATH: x.gpkg.tar\nDESC:x\n",
    "CPV: a/b-1\nPATH: x.gpkg.tar\nPATH: y.gpkg.tar\n",
  ])
  func linesThatPortageWouldMisuseAreRefused(text: String) {
    #expect(throws: PackagesEntry.ValidityError.self) { try check(text) }
  }

  @Test func bytesThatAreNoTextAreRefused() {
    var lines = Array("CPV: a/b-1\nPATH: x.gpkg.tar\nDESC: ".utf8)
    lines += [0xc3, 0x28, 0x0a]
    #expect(throws: PackagesEntry.ValidityError.value(field: "DESC")) {
      try PrintedEntry(lines: lines).check()
    }
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func whatPassesReadsBackAsAnEntryWithoutProblem(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let text = """
      BUILD_TIME: 1700000000
      CPV: dev-libs/c++_x-1.0_rc1-r2
      DESC: a library
      MD5: \(Self.digest)
      PATH: dev-libs/c++_x/c++_x-1.0_rc1-r2-7.gpkg.tar
      SIZE: 4711

      """
    let damaged = random.damaged(Array(text.utf8))
    guard let facts = try? PrintedEntry(lines: damaged).check() else { return }
    let index = try PackagesIndex(Array("VERSION: 0\n\n".utf8) + damaged)
    let entry = try #require(index.entries.first)
    #expect(entry.problem == nil && index.entries.count == 1)
    #expect(entry.path == facts.path && entry["CPV"] == facts.cpv)
  }
}
