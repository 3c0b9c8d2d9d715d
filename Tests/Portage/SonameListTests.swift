import Portage
import Testing

@Suite struct SonameListTests {
  @Test func categoriesAndNamesRead() throws {
    let list = try SonameList("x86_64: libm.so.6 libc.so.6\n x86_32: libc.so.6")
    #expect(list.description == "x86_32: libc.so.6 x86_64: libc.so.6 libm.so.6")
    #expect(list.contains(.init(category: "x86_64", name: "libm.so.6")))
    #expect(!list.contains(.init(category: "x86_32", name: "libm.so.6")))
    #expect(try SonameList("").isEmpty)
    #expect(try SonameList("a: x; b: y;").sonames.count == 2)
  }

  @Test func missingNamesAreNamed() throws {
    let required = try SonameList("x86_64: libc.so.6 libz.so.1 x86_32: libc.so.6")
    var provided = try SonameList("x86_64: libc.so.6")
    provided.formUnion(try SonameList("x86_64: libfoo.so.1"))
    #expect(
      required.missing(from: provided) == [
        .init(category: "x86_32", name: "libc.so.6"), .init(category: "x86_64", name: "libz.so.1"),
      ])
    #expect(SonameList().missing(from: required).isEmpty)
  }

  @Test func malformedListsAreRefused() {
    #expect(throws: SonameList.ParseError.noCategory("libc.so.6")) { try SonameList("libc.so.6") }
    #expect(throws: SonameList.ParseError.emptyCategory("a")) { try SonameList("a: b: x") }
    #expect(throws: SonameList.ParseError.emptyCategory("a")) { try SonameList("a:") }
    #expect(throws: SonameList.ParseError.duplicateCategory("a")) { try SonameList("a: x a: y") }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func garbageNeverTraps(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let damaged = random.damaged(Array("x86_64: libc.so.6 libm.so.6 x86_32: libc.so.6".utf8))
    guard let list = try? SonameList(String(decoding: damaged, as: UTF8.self)) else { return }
    #expect((try? SonameList(list.description)) == list)
  }
}
