import Portage
import Testing

@Suite struct NameTests {
  @Test(arguments: [
    ("dev-libs/openssl-3.0.1-r1", "dev-libs/openssl", "3.0.1-r1"),
    ("x11-libs/gtk+-2.24", "x11-libs/gtk+", "2.24"),
    ("media-fonts/font-100dpi-1", "media-fonts/font-100dpi", "1"),
    ("virtual/perl-5-r-1", "virtual/perl-5-r", "1"),
    ("a_b/c-r1-2", "a_b/c-r1", "2"),
  ])
  func cpvSplitsAtItsVersion(text: String, package: String, version: String) throws {
    let cpv = try CPV(text)
    #expect(cpv.package.description == package)
    #expect(cpv.version.text == version)
    #expect(cpv.description == text)
  }

  @Test(arguments: [
    "", "openssl-3", "dev-libs/openssl", "/x-1", "a/-1", "-a/b-1", ".a/b-1", "+a/b-1", "a/+b-1",
    "a/b-1-2", "a/b-1.0-r1-2", "a/b/c-1", "../b-1", "a/b-1\n", "a/b c-1", "a/b-1/..", "ä/b-1",
  ])
  func invalidCPVIsRefused(text: String) {
    #expect(throws: CPV.ParseError.self) { try CPV(text) }
  }

  @Test func nameThatEndsLikeAVersionIsRefused() {
    #expect(throws: PackageName.ParseError.endsLikeVersion("a/b-1")) { try PackageName("a/b-1") }
    #expect(throws: PackageName.ParseError.endsLikeVersion("a/b-1-r2")) {
      try PackageName("a/b-1-r2")
    }
    #expect(throws: Never.self) { try PackageName("a/b-1x-y") }
  }

  @Test func cpvIsEqualByTextAndOrderedByVersion() throws {
    let bare = try CPV("a/b-1.0")
    let zero = try CPV("a/b-1.0-r0")
    #expect(bare != zero)
    #expect(bare.version == zero.version)
    #expect(try CPV("a/b-1.9") < CPV("a/b-1.10"))
  }

  @Test func slotHasItsNameForSubslotWhereNoneIsWritten() throws {
    #expect(try Slot("0").effectiveSubslot == "0")
    #expect(try Slot("0/1.1").effectiveSubslot == "1.1")
    #expect(try Slot("0/1.1").description == "0/1.1")
  }

  @Test(arguments: ["", "/", "0/", "/1", "0/1/2", "-0", ".0", "+0", "0 ", "0="])
  func invalidSlotIsRefused(text: String) {
    #expect(throws: Slot.ParseError.self) { try Slot(text) }
  }
}
