import Portage
import Testing

@Suite struct DependencyTreeTests {
  @Test(arguments: [
    ("", ""),
    ("  a/b\n\t c/d ", "a/b c/d"),
    ("|| ( a/b ( c/d e/f ) )", "|| ( a/b ( c/d e/f ) )"),
    ("^^ ( a/b c/d ) ?? ( e/f )", "^^ ( a/b c/d ) ?? ( e/f )"),
    ("x? ( a/b !y? ( c/d[z?] ) )", "x? ( a/b !y? ( c/d[z?] ) )"),
    ("a/b a/b", "a/b a/b"),
  ])
  func printsWithSingleSpaces(text: String, printed: String) throws {
    #expect(try DependencyTree(text).description == printed)
  }

  /// Right-hand sides are what Portage's `paren_enclose(use_reduce(…))` gives.
  @Test(arguments: [
    ("|| ( a/b )", "a/b"), ("( a/b c/d )", "a/b c/d"), ("a/b a/b", "a/b a/b"),
    ("|| ( ( a/b ) c/d )", "|| ( a/b c/d )"),
    ("|| ( ( a/b e/f ) c/d )", "|| ( ( a/b e/f ) c/d )"),
    ("|| ( || ( a/b c/d ) e/f )", "|| ( a/b c/d e/f )"),
    ("|| ( ( || ( a/b c/d ) ) e/f )", "|| ( a/b c/d e/f )"),
    ("( ( || ( ( a/b c/d ) ) ) )", "a/b c/d"),
  ])
  func normalizesAsPortageReduces(text: String, expected: String) throws {
    #expect(try DependencyTree(text).normalized.description == expected)
  }

  /// Portage keeps an all-of group that a group of one held; both forms must come out the same.
  @Test func whatPortageReducedNormalizesToTheSameTree() throws {
    for line in try Fixture.text("dependencies.tsv").split(separator: "\n") {
      let columns = line.split(separator: "\t")
      let mine = try DependencyTree(columns[0]).normalized
      #expect(try mine == DependencyTree(columns[1]).normalized)
    }
  }

  @Test(arguments: [
    (">=sys-libs/glibc-2.36 a/b", "a/b"), ("sys-libs/glibc:2.2", ""),
    ("|| ( sys-libs/glibc sys-libs/musl ) a/b", "a/b"),
    ("|| ( sys-libs/glibc a/b c/d )", "|| ( a/b c/d )"), ("|| ( sys-libs/glibc a/b )", "a/b"),
    ("!sys-libs/glibc x? ( sys-libs/musl )", ""), ("( ( sys-libs/musl ) ) c/d", "c/d"),
  ])
  func strippingLibcLeavesNoEmptyGroup(text: String, expected: String) throws {
    let libc: Set = try [PackageName("sys-libs/glibc"), PackageName("sys-libs/musl")]
    #expect(try DependencyTree(text).removing(libc).description == expected)
  }

  @Test func bindingsInsideChoicesAreDropped() throws {
    let tree = try DependencyTree("a/b:0/1= || ( c/d:0/2= ( e/f:3/4=[x] g/h:5 ) i/j:= ) k/l:6=")
    #expect(
      tree.unboundInChoices.description
        == "a/b:0/1= || ( c/d:= ( e/f:=[x] g/h:5 ) i/j:= ) k/l:6=")
    #expect(tree.boundAtoms.map(\.description) == ["a/b:0/1=", "c/d:0/2=", "e/f:3/4=[x]"])
    #expect(tree.unboundInChoices.boundAtoms.map(\.description) == ["a/b:0/1="])
  }

  @Test func conditionalsAreFlagged() throws {
    #expect(try DependencyTree("x? ( a/b )").isConditional)
    #expect(try DependencyTree("|| ( a/b[x?] c/d )").isConditional)
    #expect(try !DependencyTree("|| ( a/b[x,-y] c/d )").isConditional)
  }

  @Test(arguments: ["(", ")", "a/b )", "|| a/b", "|| ( a/b", "x? a/b", "||", "|| )", "|| || ( )"])
  func unbalancedGroupsAreRefused(text: String) {
    #expect(throws: DependencyTree.ParseError.unbalanced) { try DependencyTree(text) }
  }

  @Test func badWordsAreRefused() {
    #expect(throws: DependencyTree.ParseError.flag("-x?")) { try DependencyTree("-x? ( a/b )") }
    #expect(throws: DependencyTree.ParseError.atom(.package("a"))) { try DependencyTree("a") }
  }

  @Test func depthAndLengthAreBounded() throws {
    let deep = { (depth: Int) in
      String(repeating: "( ", count: depth) + "a/b" + String(repeating: " )", count: depth)
    }
    #expect(try DependencyTree(deep(32)).atoms.count == 1)
    #expect(throws: DependencyTree.ParseError.tooDeep(limit: 32)) {
      try DependencyTree(deep(33))
    }
    #expect(throws: DependencyTree.ParseError.tooLong(300_000, limit: 262_144)) {
      try DependencyTree(String(repeating: " ", count: 300_000))
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func printedTreeReadsBackEqual(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let tree = DependencyTree(try Self.nodes(&random, depth: 0))
    #expect(try DependencyTree(tree.description) == tree)
    let normal = tree.normalized
    #expect(normal.normalized == normal)
    #expect(normal.atoms == tree.atoms)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func garbageNeverTraps(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let text = "|| ( >=a/b-1:0/2=[x,-y(+)] ( !!c/d ) ) x? ( ~e/f-1_rc1::gentoo ) ^^ ( g/h:* )"
    let damaged = String(decoding: random.damaged(Array(text.utf8)), as: UTF8.self)
    guard let tree = try? DependencyTree(damaged) else { return }
    #expect((try? DependencyTree(tree.description)) == tree)
  }

  private static func nodes(
    _ random: inout SeededRandom, depth: Int
  ) throws -> [DependencyTree.Node] {
    let atoms = ["a/b", ">=c/d-1:0/1=", "!e/f", "g/h[x,-y]", "~i/j-2", "=k/l-3*:0="]
    let kinds: [DependencyTree.GroupKind] = [.all, .any, .exactlyOne, .atMostOne]
    var nodes: [DependencyTree.Node] = []
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      let pick = depth < 5 ? Int.random(in: 0..<4, using: &random) : 0
      switch pick {
      case 2:
        let kind = kinds.randomElement(using: &random) ?? .all
        nodes.append(.group(kind, try Self.nodes(&random, depth: depth + 1)))
      case 3:
        let negated = Bool.random(using: &random)
        nodes.append(
          .conditional(
            flag: "f+1", negated: negated, try Self.nodes(&random, depth: depth + 1)))
      default:
        nodes.append(.atom(try Atom(atoms.randomElement(using: &random) ?? "a/b")))
      }
    }
    return nodes
  }
}
