import Portage
import Testing

@Suite struct PackagesIndexTests {
  @Test func indexOfRealPortageRoundTripsByteForByte() throws {
    let bytes = try Fixture.bytes("Packages")
    let index = try PackagesIndex(bytes)
    #expect(index.printed() == bytes)
    #expect(index.entries.count == 8)
    #expect(index.header["VERSION"] == "0")
    #expect(index.timestamp != nil)
    for entry in index.entries {
      #expect(entry.problem == nil)
      #expect(index.value("CHOST", of: entry) == "x86_64-pc-linux-gnu")
      #expect(index.value("SLOT", of: entry) == entry["SLOT"] ?? "0")
    }
  }

  @Test func inheritedAndDefaultValuesAreLeftOut() throws {
    let entry = try PackagesEntry(
      cpv: CPV("a/b-1"), path: "a/b/b-1-1.gpkg.tar",
      fields: ["CHOST": "c", "REPO": "r", "SLOT": "0", "EAPI": "8", "USE": ""])
    let index = PackagesIndex(header: ["CHOST": "c", "REPO": "q"], entries: [entry])
    let text = String(decoding: index.printed(), as: UTF8.self)
    #expect(
      text == """
        CHOST: c
        PACKAGES: 1
        REPO: q

        CPV: a/b-1
        EAPI: 8
        PATH: a/b/b-1-1.gpkg.tar
        REPO: r


        """)
  }

  @Test(arguments: [
    "", "../../../x.gpkg.tar", "/x.gpkg.tar", "a//x.gpkg.tar", "a/./x.gpkg.tar", "a/../x.gpkg.tar",
    "a/.x.gpkg.tar", "x.tbz2", "x.gpkg.tar.gz", "x.gpkg.tar/", "a/x\n.gpkg.tar", "a b.gpkg.tar",
    "a%2e/x.gpkg.tar", "a\\x.gpkg.tar",
  ])
  func pathThatPortageWouldMisuseIsRefused(path: String) throws {
    let cpv = try CPV("a/b-1")
    #expect(throws: PackagesEntry.ValidityError.path(path)) {
      try PackagesEntry(cpv: cpv, path: path, fields: [:])
    }
  }

  @Test func entryReadWithInvalidCPVSaysSo() {
    let entry = PackagesEntry(unchecked: ["CPV": "a/b", "PATH": "x.gpkg.tar"])
    #expect(entry.problem == .cpv("a/b"))
  }

  @Test func valuesThatBreakTheFormatAreRefused() throws {
    let cpv = try CPV("a/b-1")
    let make = { (fields: [String: String]) throws(PackagesEntry.ValidityError) in
      try PackagesEntry(cpv: cpv, path: "x.gpkg.tar", fields: fields)
    }
    #expect(throws: PackagesEntry.ValidityError.value(field: "DESC")) {
      try make(["DESC": "x\n\nCPV: evil"])
    }
    #expect(throws: PackagesEntry.ValidityError.fieldName("A: B")) { try make(["A: B": "x"]) }
    #expect(throws: PackagesEntry.ValidityError.number(field: "SIZE")) { try make(["SIZE": "-1"]) }
    #expect(throws: PackagesEntry.ValidityError.number(field: "MD5")) { try make(["MD5": "zz"]) }
  }

  @Test func boundsAreKept() {
    var limits = PackagesIndex.Limits()
    limits.entries = 2
    limits.line = 20
    limits.fields = 3
    limits.bytes = 200
    let read = { (text: String) throws(PackagesIndex.ParseError) in
      try PackagesIndex(Array(text.utf8), limits: limits)
    }
    let entry = "\nCPV: a/b-1\n"
    #expect(throws: Never.self) { try read("A: b\n" + entry + entry) }
    #expect(throws: PackagesIndex.ParseError.tooManyEntries(limit: 2)) {
      try read("A: b\n" + entry + entry + entry)
    }
    #expect(throws: PackagesIndex.ParseError.lineTooLong(line: 2, limit: 20)) {
      try read("A: b\nA: " + String(repeating: "x", count: 20))
    }
    #expect(throws: PackagesIndex.ParseError.tooManyFields(line: 4, limit: 3)) {
      try read("A: b\nB: b\nC: b\nD: b\n")
    }
    #expect(throws: PackagesIndex.ParseError.malformed(line: 1)) { try read("no colon") }
    #expect(throws: PackagesIndex.ParseError.tooLong(201, limit: 200)) {
      try read(String(repeating: "\n", count: 201))
    }
  }

  @Test func writerHandsOutSmallChunksOfALargeIndex() throws {
    var (total, largest, chunks) = (0, 0, 0)
    var writer = PackagesWriter<Never>(header: ["VERSION": "0"], count: 20_000) { chunk in
      total += chunk.count
      largest = max(largest, chunk.count)
      chunks += 1
    }
    let fields = ["RDEPEND": String(repeating: "dev-libs/x ", count: 20), "SIZE": "12345"]
    for number in 0..<20_000 {
      let cpv = try CPV("app-misc/package\(number)x-1.0")
      writer.append(try PackagesEntry(cpv: cpv, path: "a/p\(number).gpkg.tar", fields: fields))
    }
    writer.finish()
    #expect(total > 5_000_000)
    #expect(chunks > 50)
    #expect(largest < 80_000)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func garbageNeverTraps(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let damaged = random.damaged(try Fixture.bytes("Packages"))
    guard let index = try? PackagesIndex(damaged) else { return }
    for entry in index.entries { _ = entry.problem }
    // What can be written again reads back the same.
    let valid = index.entries.filter { $0.problem == nil }
    let clean = PackagesIndex(header: ["VERSION": "0"], entries: valid)
    let again = try PackagesIndex(clean.printed())
    #expect(again.printed() == clean.printed())
  }
}

@Suite struct GzipTests {
  @Test(arguments: [0, 1, 65_535, 65_536, 300_000])
  func packedBytesUnpack(count: Int) throws {
    var random = SeededRandom(seed: UInt64(count))
    let bytes = (0..<count).map { _ in UInt8.random(in: 0...15, using: &random) }
    let packed = Gzip.packed(bytes)
    #expect(try Gzip.unpacked(packed, limit: count) == bytes)
    #expect(try Gzip.unpacked(packed + packed, limit: 2 * count) == bytes + bytes)
    #expect(Gzip.packed(bytes) == packed)
  }

  @Test func piecesPackLikeTheWhole() throws {
    let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
    var packed: [UInt8] = []
    let packer = GzipPacker<Never> { packed.append(contentsOf: $0) }
    for start in stride(from: 0, to: bytes.count, by: 777) {
      packer.append(Array(bytes[start..<min(start + 777, bytes.count)]))
    }
    packer.finish()
    #expect(try Gzip.unpacked(packed, limit: 200_000) == bytes)
  }

  @Test func bombStopsAtTheLimit() {
    let packed = Gzip.packed([UInt8](repeating: 0, count: 5_000_000))
    #expect(throws: Gzip.UnpackError.tooLong(limit: 1_000_000)) {
      try Gzip.unpacked(packed, limit: 1_000_000)
    }
  }

  @Test func cutAndDamagedStreamsAreRefused() {
    let packed = Gzip.packed(Array("hello hello hello hello".utf8))
    for length in 0..<packed.count {
      #expect(throws: Gzip.UnpackError.damaged) {
        try Gzip.unpacked(Array(packed.prefix(length)), limit: 1000)
      }
    }
  }
}
