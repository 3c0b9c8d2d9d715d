import ArgumentParser
import Node
import Testing

@testable import larder

@Suite("The words behind plan, emerge, fetch and request")
struct EmergeArgumentsTests {
  private func words(
    _ text: String, known: Set<EmergeArguments.Option> = Set(EmergeArguments.Option.allCases)
  ) throws -> EmergeArguments {
    let list = text.split(separator: " ").map(String.init)
    return try EmergeArguments(list, for: EmergeCommand.self, known: known)
  }

  @Test func emergesOptionsAndAtomsStayInTheirOrder() throws {
    let words = try words("-uDN --with-bdeps=y @world --exclude app-misc/hello")
    #expect(words.emerge == ["-uDN", "--with-bdeps=y", "@world", "--exclude", "app-misc/hello"])
    #expect(EmergeArguments.Option.allCases.allSatisfy { !words.has($0) })
  }

  @Test func larderOptionsAreTakenOutWhereverTheyStand() throws {
    let words = try words("--build app-misc/hello --json --root /srv/a")
    #expect(words.emerge == ["app-misc/hello"])
    #expect(words.has(.build) && words.has(.json) && !words.has(.wait))
    #expect(words.paths.root == "/srv/a")
    #expect(try self.words("--root=/srv/b x/y").paths.root == "/srv/b")
  }

  @Test func whereEmergeRunsRootWouldMeanTwoThings() throws {
    for text in ["--root /mnt/gentoo x/y", "x/y --root=/mnt/gentoo"] {
      let list = text.split(separator: " ").map(String.init)
      #expect(throws: ValidationError.self) {
        try EmergeArguments(list, for: EmergeCommand.self, known: [], takesRoot: false)
      }
    }
    let passed = try EmergeArguments(
      ["--", "--root=/mnt/gentoo", "x/y"], for: EmergeCommand.self, known: [], takesRoot: false)
    #expect(passed.emerge == ["--root=/mnt/gentoo", "x/y"])
  }

  @Test func whatStandsBehindTwoHyphensIsEmerges() throws {
    let words = try words("--json -- --root=/mnt --json x/y")
    #expect(words.emerge == ["--root=/mnt", "--json", "x/y"])
    #expect(words.root == nil)
  }

  @Test func anOptionOfAnotherCommandIsNotSwallowed() {
    #expect(throws: ValidationError.self) { try words("--background x/y", known: [.json]) }
    #expect(throws: ValidationError.self) { try words("--build x/y", known: []) }
  }

  @Test func nothingToInstallIsAMistakeOfUse() {
    #expect(throws: ValidationError.self) { try words("") }
    #expect(throws: ValidationError.self) { try words("--json") }
    #expect(throws: ValidationError.self) { try words("x/y --root") }
  }

  @Test func helpIsAskedForAnywhere() {
    #expect(throws: CleanExit.self) { try words("x/y --help") }
    #expect(throws: CleanExit.self) { try words("-h") }
  }
}
