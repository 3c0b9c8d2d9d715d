import Foundation
import Portage
import Testing

@Suite struct ELFFactsTests {
  @Test(arguments: [true, false], [true, false])
  func everyWidthAndByteOrderReads(is64: Bool, isBigEndian: Bool) throws {
    var image = ELFImage(is64: is64, isBigEndian: isBigEndian, machine: is64 ? 62 : 3)
    image.soname = "liblarder.so.1"
    image.needed = ["libm.so.6", "libc.so.6"]
    image.versions = [("libm.so.6", ["GLIBC_2.29"]), ("libc.so.6", ["GLIBC_2.4", "GLIBC_2.34"])]
    image.isaNeeded = 6
    let facts = try ELFFacts(image.bytes())
    #expect(facts.elfClass == (is64 ? .bits64 : .bits32))
    #expect(facts.isBigEndian == isBigEndian)
    #expect(facts.type == 3)
    #expect(facts.soname == "liblarder.so.1")
    #expect(facts.needed == ["libm.so.6", "libc.so.6"])
    #expect(
      facts.neededVersions == [
        .init(library: "libm.so.6", versions: ["GLIBC_2.29"]),
        .init(library: "libc.so.6", versions: ["GLIBC_2.4", "GLIBC_2.34"]),
      ])
    #expect(facts.x86ISANeeded == 6)
    #expect(facts.x86LevelNeeded == .v3)
  }

  @Test func libraryOfARealLinkerReads() throws {
    let facts = try ELFFacts(try Fixture.bytes("liblarder-v3.so"))
    #expect(facts.machine == 62)
    #expect(facts.soname == "liblarder.so.1")
    #expect(facts.needed.isEmpty)
    #expect(facts.x86LevelNeeded == .v3)
  }

  @Test func thisProgramNeedsItsLibc() throws {
    let facts = try ELFFacts(Array(try Data(contentsOf: URL(filePath: "/proc/self/exe"))))
    #expect(facts.needed.contains("libc.so.6"))
    let libc = facts.neededVersions.first { $0.library == "libc.so.6" }
    #expect(libc?.versions.contains { $0.hasPrefix("GLIBC_") } == true)
  }

  @Test func programOfAnotherMachineHasNoX86Note() throws {
    let facts = try ELFFacts(ELFImage(machine: 183, isaNeeded: 8).bytes())
    #expect(facts.machine == 183)
    #expect(facts.x86ISANeeded == nil)
  }

  @Test func otherFilesAreRefused() {
    #expect(throws: ELFFacts.ParseError.notELF) { try ELFFacts([]) }
    #expect(throws: ELFFacts.ParseError.notELF) { try ELFFacts(Array("#!/bin/sh\n".utf8)) }
    #expect(throws: ELFFacts.ParseError.unknownForm) { try ELFFacts([0x7f, 0x45, 0x4c, 0x46]) }
    #expect(throws: ELFFacts.ParseError.outOfBounds("header")) {
      try ELFFacts(Array(ELFImage().bytes().prefix(40)))
    }
  }

  @Test func chainThatRunsInACircleEnds() throws {
    var image = ELFImage()
    image.versions = [("a", ["x"]), ("b", ["y"])]
    var bytes = image.bytes()
    let start = bytes.count - 16 * 4 - 2 * 32
    // The first entry points to itself.
    bytes.replaceSubrange(start + 12..<start + 16, with: [0, 0, 0, 0])
    #expect(throws: Never.self) { try ELFFacts(bytes) }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func garbageNeverTraps(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var image = ELFImage()
    image.is64 = Bool.random(using: &random)
    image.isBigEndian = Bool.random(using: &random)
    image.soname = "lib.so"
    image.needed = ["a", "b"]
    image.versions = [("a", ["x", "y"]), ("b", ["z"])]
    image.isaNeeded = 1
    var bytes = image.bytes()
    for _ in 0..<20 {
      // Whole fields of ones reach the additions that could overflow.
      let place = Int.random(in: 16..<bytes.count - 8, using: &random)
      let fill: UInt8 =
        Bool.random(using: &random) ? 0xff : .random(in: .min ... .max, using: &random)
      for offset in 0..<8 { bytes[place + offset] = fill }
      _ = try? ELFFacts(bytes)
    }
    _ = try? ELFFacts(random.damaged(image.bytes()))
  }
}
