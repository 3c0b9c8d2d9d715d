import Portage
import Testing

@Suite struct EmergeLogTests {
  @Test(arguments: [
    ("10:  >>> emerge (1 of 5) a/b-1.0-r1 to /", EmergeLog.Step.started, "a/b-1.0-r1"),
    ("10:  === (12 of 50) Compiling/Packaging (a/b-1::/r/a/b/b-1.ebuild)", .compiling, "a/b-1"),
    ("10:  === (1 of 5) Compiling/Merging (a/b-1::/r/a/b/b-1.ebuild)", .compiling, "a/b-1"),
    ("10:  === (1 of 5) Merging (a/b-1::/r/a/b/b-1.ebuild)", .merging, "a/b-1"),
    ("10:  === (1 of 5) Merging Binary (a/b-1::/p/b-1-1.gpkg.tar)", .mergingBinary, "a/b-1"),
    ("10:  ::: completed emerge (1 of 5) a/b-1 to /", .completed, "a/b-1"),
    ("10:  >>> unmerge success: a/b-1", .unmerged, "a/b-1"),
  ])
  func stepReads(line: String, step: EmergeLog.Step, cpv: String) throws {
    let event = try #require(EmergeLog.event(line))
    #expect(event.time == 10)
    #expect(event.step == step)
    #expect(event.cpv.description == cpv)
  }

  @Test(arguments: [
    "", "10", "10:", "x:  >>> emerge (1 of 1) a/b-1 to /", "10: Started emerge on: today",
    "10:  *** emerge a/b", "10:  >>> AUTOCLEAN: a/b:0", "10:  === (1 of 5) Cleaning (a/b-1::/x)",
    "10:  >>> emerge (1 of 5) nonsense to /", "-1:  >>> emerge (1 of 1) a/b-1 to /",
    "10:  === (1 of 5) Merging", "10:  >>> emerge", "10:  === Unmerging... (a/b-1)",
  ])
  func otherLinesArePassedOver(line: String) {
    #expect(EmergeLog.event(line) == nil)
  }

  @Test func historyOfRealPortageTellsBuiltFromInstalled() throws {
    let text = try Fixture.text("emerge.log")
    var host = EmergeHistory(root: "/lab/hosts/a/root")
    host.read(text: text)
    let hello = try #require(host.merges[CPV("app-lab/hello-1.0")])
    #expect(hello.wasBuiltHere)
    #expect(hello.started == 1_795_216_208)
    #expect(hello.finished == 1_795_216_210)
    let failing = try #require(host.merges[CPV("app-lab/failing-1.0")])
    #expect(failing.compiling != nil && failing.finished == nil && !failing.wasBuiltHere)
    let caskcat = try #require(host.merges[CPV("app-lab/caskcat-1.0")])
    #expect(caskcat.started == 1_795_216_223)
    var all = EmergeHistory()
    all.read(text: text)
    let binary = try #require(all.merges[CPV("app-lab/hello-1.0")])
    #expect(binary.wasBinary && binary.finished != nil && !binary.wasBuiltHere)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func garbageNeverTraps(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var history = EmergeHistory()
    let damaged = random.damaged(try Fixture.bytes("emerge.log"))
    history.read(text: String(decoding: damaged, as: UTF8.self))
    #expect(history.merges.count <= 12)
  }
}
