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
  static let settings = [
    BinrepoConfiguration.Setting("priority", "10"),
    .init("sync-uri", "file:///var/lib/larder/binhost/current"), .init("verify-signature", "false"),
  ]

  @Test func sectionsAndSettingsRead() throws {
    let file = try BinrepoConfiguration(Self.text)
    #expect(file.sections.map(\.name) == ["gentoobinhost", "other"])
    #expect(
      file.section("gentoobinhost")?["sync-uri"] == "https://distfiles.example.org/x\ncontinued")
    #expect(file.section("other")?["sync-uri"] == "http://localhost/")
    #expect(file.description == Self.text)
  }

  @Test(arguments: ["", text, "# only a comment\n", "[a]\nb = c\n", "[a]\nb = c\n\n\n", "\n"])
  func removingWhatWasAddedGivesTheOldBytes(text: String) throws {
    let file = try BinrepoConfiguration(text)
    let with = try file.adding("larder", Self.settings)
    #expect(with.section("larder")?.settings == Self.settings)
    #expect(with.removing("larder").description == text)
  }

  @Test func missingLineEndIsTheOnlyChange() throws {
    let with = try BinrepoConfiguration("[a]\nb = c").adding("larder", Self.settings)
    #expect(with.removing("larder").description == "[a]\nb = c\n")
  }

  @Test func removingKeepsTheRestByteForByte() throws {
    let text = "[a]\nx = 1\n\n[b]\n# inside\ny = 2\n; after b\n\n[c]\r\nz = 3\n"
    let without = try BinrepoConfiguration(text).removing("b")
    #expect(without.description == "[a]\nx = 1\n; after b\n\n[c]\r\nz = 3\n")
    #expect(try BinrepoConfiguration(text).removing("none").description == text)
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

  @Test func sectionThatCannotStandIsNotAdded() throws {
    let file = try BinrepoConfiguration(Self.text)
    #expect(throws: BinrepoConfiguration.EditError.exists("other")) {
      try file.adding("other", Self.settings)
    }
    #expect(throws: BinrepoConfiguration.EditError.invalid("a]b")) {
      try file.adding("a]b", Self.settings)
    }
    #expect(throws: BinrepoConfiguration.EditError.invalid("location")) {
      try file.adding("x", [.init("location", "/a\n[evil]")])
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func garbageNeverTraps(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let damaged = String(decoding: random.damaged(Array(Self.text.utf8)), as: UTF8.self)
    guard let file = try? BinrepoConfiguration(damaged) else { return }
    #expect(file.description == damaged)
    guard damaged.isEmpty || damaged.last == "\n",
      let with = try? file.adding("larder", Self.settings)
    else { return }
    #expect(with.removing("larder").description == damaged)
  }
}
