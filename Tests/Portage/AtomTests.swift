import Portage
import Testing

@Suite struct AtomTests {
  @Test(arguments: [
    "a/b", "=a/b-1", "=a/b-1*", "~a/b-1.2", ">=a/b-1-r1", "<=a/b-1", ">a/b-1", "<a/b-1_rc1",
    "!a/b", "!!<a/b-2", "a/b:0", "a/b:0/1", "a/b:=", "a/b:*", "a/b:0=", "a/b:0/1=", "a/b::gentoo",
    ">=a/b-1:0/1=::gentoo[x,-y,z?,!w?,v=,!u=,t(+),-s(-),r(+)?]",
    "a/b[python_targets_python3_12(-)]",
    "=a/b-1.0_p1*:2",
  ])
  func atomPrintsAsItWasRead(text: String) throws {
    #expect(try Atom(text).description == text)
  }

  @Test(arguments: [
    "", "a", "a/b-1", "=a/b", "~a/b-1-r1", ">=a/b-1*", "a/b:", "a/b:0/", "a/b::", "a/b:::x",
    "a/b[", "a/b[]", "a/b[,x]", "a/b[x,]", "a/b[-x?]", "a/b[!x]", "!!!a/b", "==a/b-1", "a/b[x]:0",
    "a/b::re-1", "a/b::-r", "a/b:0==", "a/b:*=", "a/b[x(+]", "a/b[@x]", "*/*",
  ])
  func invalidAtomIsRefused(text: String) {
    #expect(throws: Atom.ParseError.self) { try Atom(text) }
  }

  @Test func overlongAtomIsRefused() {
    let text = "a/b[" + String(repeating: "x,", count: 3000) + "y]"
    #expect(throws: Atom.ParseError.tooLong(6006, limit: 4096)) { try Atom(text) }
  }

  @Test(arguments: [
    ("=a/b-1*", "1.2", true), ("=a/b-1*", "12", false), ("=a/b-1.2*", "1.2-r1", true),
    ("=a/b-1_p*", "1_pre1", false), ("=a/b-1_p*", "1_p7", true), ("=a/b-1a*", "1a_rc1", true),
    ("~a/b-1.0", "1.0-r7", true), ("~a/b-1.0", "1.0.0", false), ("=a/b-1.0", "1.0-r0", true),
    (">=a/b-1", "1_rc1", false), ("<a/b-2", "2_alpha", true), (">a/b-1", "1-r1", true),
    ("<=a/b-1", "1-r1", false), ("a/b", "0", true),
  ])
  func boundAdmits(atom: String, version: String, expected: Bool) throws {
    #expect(try Atom(atom).fits(CPV("a/b-\(version)")) == expected)
  }

  @Test func slotOfAnAtomMustFit() throws {
    let cpv = try CPV("a/b-1")
    #expect(try Atom("a/b:0").fits(cpv, slot: Slot("0/3")))
    #expect(try Atom("a/b:0/3=").fits(cpv, slot: Slot("0/3")))
    #expect(try !Atom("a/b:0/4=").fits(cpv, slot: Slot("0/3")))
    #expect(try !Atom("a/b:1").fits(cpv, slot: Slot("0")))
    #expect(try Atom("a/b:=").fits(cpv, slot: Slot("9")))
    #expect(try !Atom("a/c").fits(cpv))
  }

  @Test func onlySlotWithSubslotAndEqualsSignIsBound() throws {
    #expect(try Atom("a/b:0/1=").isBound)
    for text in ["a/b:0=", "a/b:=", "a/b:0/1", "a/b:*", "a/b"] {
      #expect(try !Atom(text).isBound)
    }
  }
}
