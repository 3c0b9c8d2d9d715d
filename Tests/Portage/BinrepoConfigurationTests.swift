import Portage
import Testing

@Suite struct BinrepoConfigurationTests {
  static let text = """
    # Gentoo's own

    [gentoobinhost]
    priority = 1
    sync-uri = https://distfiles.example.org/x
      continued
    # after

    [other]
    sync-uri: http://localhost/

    """
  @Test func sectionsAndSettingsRead() throws {
    let file = try BinrepoConfiguration(Self.text)
    #expect(file.sections.map(\.name) == ["gentoobinhost", "other"])
    #expect(
      file.section("gentoobinhost")?["sync-uri"] == "https://distfiles.example.org/x\ncontinued")
    #expect(file.section("other")?["sync-uri"] == "http://localhost/")
  }

  @Test func mistakesAreNamedWithTheirLine() {
    #expect(throws: BinrepoConfiguration.ParseError.malformed(line: 2)) {
      try BinrepoConfiguration("# c\na = b\n")
    }
    #expect(throws: BinrepoConfiguration.ParseError.malformed(line: 2)) {
      try BinrepoConfiguration("[a]\nnothing\n")
    }
    #expect(throws: BinrepoConfiguration.ParseError.duplicateSection("a", line: 2)) {
      try BinrepoConfiguration("[a]\n[a]\n")
    }
    #expect(throws: BinrepoConfiguration.ParseError.duplicateSetting("b", line: 3)) {
      try BinrepoConfiguration("[a]\nb = 1\nB = 2\n")
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func garbageNeverTraps(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let damaged = String(decoding: random.damaged(Array(Self.text.utf8)), as: UTF8.self)
    guard let file = try? BinrepoConfiguration(damaged) else { return }
    #expect(Set(file.sections.map(\.name)).count == file.sections.count)
  }
}
