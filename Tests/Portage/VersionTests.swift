import Portage
import Testing

@Suite struct VersionTests {
  @Test func orderAgreesWithPortageOnEveryVector() throws {
    for line in try Fixture.text("versions.tsv").split(separator: "\n") {
      let columns = line.split(separator: "\t")
      let left = try Version(columns[0])
      let right = try Version(columns[1])
      let expected = try #require(Int(columns[2]))
      let found = left < right ? -1 : (right < left ? 1 : 0)
      #expect(found == expected, "\(line)")
      #expect((left == right) == (expected == 0), "\(line)")
      #expect(left != right || left.hashValue == right.hashValue)
    }
  }

  @Test(arguments: [
    ("1.0", "1"), ("1.1", "1.01"), ("1.10", "1.9"), ("1_p", "1"), ("1", "1_rc9"), ("1b", "1a"),
    ("1.0-r1", "1.0"), ("1_alpha_p", "1_alpha"), ("1_alpha", "1_alpha_pre"), ("1.1", "1.0z_p9-r9"),
  ])
  func firstIsNewer(newer: String, older: String) throws {
    #expect(try Version(newer) > Version(older))
  }

  @Test(arguments: [
    "", ".1", "1.", "1..2", "a", "1ab", "1_gamma", "1_", "1-r", "1-1", "1-r1-r2", "1.0 ", "-1",
    "1_alpha.1", "１", "1.a",
  ])
  func malformedVersionIsRefused(text: String) {
    #expect(throws: Version.ParseError.malformed(text)) { try Version(text) }
  }

  @Test func overlongVersionIsRefused() throws {
    #expect(throws: Version.ParseError.tooLong(256, limit: 255)) {
      try Version(String(repeating: "1", count: 256))
    }
    #expect(try Version(String(repeating: "9", count: 255)) > Version("1"))
  }

  @Test func textIsKeptAndRevisionSplitsOff() throws {
    let version = try Version("1.02b_rc1-r007")
    #expect(version.text == "1.02b_rc1-r007")
    #expect(version.revisionText == "007")
    #expect(version.withoutRevision == "1.02b_rc1")
    #expect(try version.isEqualIgnoringRevision(to: Version("1.02b_rc1")))
    #expect(try version == Version("1.02b_rc01-r7"))
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func orderIsTotal(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var versions: [Version] = []
    for _ in 0..<12 { versions.append(try Version(Self.text(&random))) }
    let sorted = versions.sorted()
    for (place, left) in sorted.enumerated() {
      for right in sorted[place...] {
        #expect(!(right < left), "\(seed): \(left) \(right)")
        #expect((left < right) != (left == right), "\(seed): \(left) \(right)")
      }
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func garbageNeverTraps(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let text = random.damaged(Array("1.2.3b_rc4_p5-r6".utf8))
    let version = try? Version(String(decoding: text, as: UTF8.self))
    #expect(version == nil || version?.text.utf8.count == text.count)
  }

  private static func text(_ random: inout SeededRandom) -> String {
    let numbers = ["0", "1", "01", "010", "2", "10", "00"]
    let suffixes = ["", "", "", "_alpha", "_beta1", "_pre", "_rc", "_p", "_p1", "_alpha_p"]
    var text = numbers.randomElement(using: &random) ?? "0"
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      text += "." + (numbers.randomElement(using: &random) ?? "0")
    }
    text += ["", "", "a", "b"].randomElement(using: &random) ?? ""
    text += suffixes.randomElement(using: &random) ?? ""
    return text + (["", "-r0", "-r1", "-r10"].randomElement(using: &random) ?? "")
  }
}
