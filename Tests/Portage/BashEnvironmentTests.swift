import Portage
import TestSupport
import Testing

@Suite struct BashEnvironmentTests {
  static let text = """
    declare -x A=""
    declare -x CFLAGS="-O2 -pipe"
    declare DESCRIPTION="a \\"quoted\\" \\$value \\\\ and \\`ticks\\`"
    declare -- SEVERAL="one
    two"
    declare REPOSITORY
    declare -a LIST=([0]="a b" [1]=$'tab\\there' [10]="")
    declare -A MAP=([key]="v" ["two words"]="w" )
    declare -r BARE=1.0-r1
    PLAIN='single $quoted'
    export OUT="x"
    src_install () 
    { 
        dobin hello
    }
    src_compile () 
    { 
        cat <<EOF
    declare -x CFLAGS="inside"
    EOF
    }

    """

  @Test func declarationsReadWithTheirAttributes() throws {
    let environment = BashEnvironment(Array(Self.text.utf8))
    #expect(environment["A"]?.text == "")
    #expect(environment["A"]?.attributes == "x")
    #expect(environment["CFLAGS"]?.text == "-O2 -pipe")
    #expect(environment["DESCRIPTION"]?.text == "a \"quoted\" $value \\ and `ticks`")
    #expect(environment["SEVERAL"]?.text == "one\ntwo")
    #expect(environment["REPOSITORY"]?.value == .unset)
    #expect(environment["BARE"]?.text == "1.0-r1")
    #expect(environment["PLAIN"]?.text == "single $quoted")
    #expect(environment["OUT"]?.attributes == "x")
    guard case .array(let list)? = environment["LIST"]?.value,
      case .array(let map)? = environment["MAP"]?.value
    else {
      Issue.record("no arrays")
      return
    }
    #expect(list.map(\.key) == ["0", "1", "10"])
    #expect(list[1].value == Array("tab\there".utf8))
    #expect(map.map(\.key) == ["key", "two words"])
  }

  @Test func functionsReadFromNameToBrace() {
    let environment = BashEnvironment(Array(Self.text.utf8))
    #expect(environment.functions.map(\.name) == ["src_install", "src_compile"])
    let first = environment.functions.first.map { String(decoding: $0.text, as: UTF8.self) }
    #expect(first == "src_install () \n{ \n    dobin hello\n}\n")
  }

  @Test func namedVariablesAreLeftOutAndNothingElse() {
    let environment = BashEnvironment(Array(Self.text.utf8))
    let rest = String(
      decoding: environment.bytes(without: ["CFLAGS", "SEVERAL", "NONE"]), as: UTF8.self)
    let expected = Self.text.replacing("declare -x CFLAGS=\"-O2 -pipe\"\n", with: "")
      .replacing("declare -- SEVERAL=\"one\ntwo\"\n", with: "")
    #expect(rest == expected)
    #expect(rest.contains("CFLAGS=\"inside\""))
    #expect(environment.bytes(without: []) == Array(Self.text.utf8))
  }

  @Test(arguments: [
    "declare -x HOST=\"$(evil)\"", "declare -x HOST=\"`evil`\"", "declare -x HOST=\"a\";evil",
    "declare -x HOST=a b", "HOST=a evil", "HOST", "declare -x HOST=\"a\" && evil",
    "declare -i HOST=\"a[\\$(evil)]\"", "declare -n HOST=\"a[\\$(evil)]\"",
    "declare -a HOST=([\"a[\\$(evil)]\"]=\"1\")", "declare -a HOST=([x]=\"1\")",
    "declare -x HOST=$(evil)", "declare -x HOST=\"open", "declare -a HOST=(a b)",
    "declare -x HOST=${evil}", "declare -x HOST=a|evil", "declare -x 1HOST=a", "declare -f HOST",
    "declare -x HOST=~", "declare -x HOST=\"\\", "declare -A HOST=([$(evil)]=a)",
  ])
  func codeIsNeverTakenForAVariable(line: String) {
    let text = "declare -x A=\"1\"\n\(line)\ndeclare -x HOST=\"b\"\n"
    let environment = BashEnvironment(Array(text.utf8))
    #expect(environment.variables.map(\.name) == ["A"])
    #expect(environment.bytes(without: ["HOST"]) == Array(text.utf8))
  }

  @Test func environmentOfRealPortageReads() throws {
    let package = try readGpkg(try Fixture.bytes("caskcat-1.0-2.gpkg.tar"))
    let packed = try #require(package.metadata.environment)
    let environment = try BashEnvironment(bzip2: packed)
    #expect(environment["PF"]?.text == "caskcat-1.0")
    #expect(environment["CFLAGS"]?.text == "-O2 -pipe")
    #expect(environment["RDEPEND"]?.text == "dev-lab/libcask:= ")
    #expect(environment.variables.count == 84)
    #expect(environment.functions.map(\.name).contains("src_compile"))
    #expect(environment.functions.map(\.name).contains("lab-c_cc"))
    let functions = environment.functions.reduce(0) { $0 + $1.text.count }
    let variables = environment.variables.last?.range.upperBound ?? 0
    #expect(functions + variables == environment.bytes.count)
  }

  @Test func bombAndDamageAreRefused() throws {
    let pack = { (bytes: [UInt8]) -> [UInt8] in
      let tar = GpkgFixture.tar([.file("x", bytes)], packed: .bzip2)
      return tar
    }
    let packed = pack([UInt8](repeating: 65, count: 3_000_000))
    #expect(throws: BashEnvironment.ReadError.tooLarge(limit: 1_000_000)) {
      try BashEnvironment(bzip2: packed, limit: 1_000_000)
    }
    #expect(throws: BashEnvironment.ReadError.damaged) { try BashEnvironment(bzip2: [1, 2, 3]) }
    #expect(throws: BashEnvironment.ReadError.damaged) { try BashEnvironment(bzip2: []) }
    #expect(throws: BashEnvironment.ReadError.damaged) {
      try BashEnvironment(bzip2: Array(packed.dropLast(10)))
    }
    #expect(throws: BashEnvironment.ReadError.damaged) {
      try BashEnvironment(bzip2: packed + Array("garbage".utf8))
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func garbageNeverTraps(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let damaged = random.damaged(Array(Self.text.utf8))
    let environment = BashEnvironment(damaged)
    #expect(environment.bytes(without: []) == damaged)
    let names = Set(environment.variables.map(\.name))
    let covered = environment.variables.reduce(0) { $0 + $1.range.count }
    #expect(environment.bytes(without: names).count == damaged.count - covered)
  }
}
