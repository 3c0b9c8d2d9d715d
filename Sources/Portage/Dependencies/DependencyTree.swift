/// A dependency string as a tree: atoms in groups (PMS 9 §8.2).
///
/// Evaluated strings, as Portage writes them into what it builds, hold no USE conditionals;
/// others are read all the same and say so.
public struct DependencyTree: Sendable, Hashable, CustomStringConvertible {
  /// How the members of a group count.
  public enum GroupKind: String, Sendable, Hashable {
    /// `( … )`: all.
    case all = ""
    /// `|| ( … )`: at least one.
    case any = "||"
    /// `^^ ( … )`: exactly one.
    case exactlyOne = "^^"
    /// `?? ( … )`: one at most.
    case atMostOne = "??"
  }

  /// One element of a dependency string.
  public indirect enum Node: Sendable, Hashable {
    /// A dependency on one package.
    case atom(Atom)
    /// A group.
    case group(GroupKind, [Node])
    /// `flag? ( … )`, or `!flag? ( … )` where `negated`.
    case conditional(flag: String, negated: Bool, [Node])
  }

  /// Why a text is no dependency string.
  public enum ParseError: Error, Equatable, Sendable {
    /// Longer than the bound, in bytes.
    case tooLong(Int, limit: Int)
    /// Groups nested deeper than the bound.
    case tooDeep(limit: Int)
    /// A parenthesis without its partner, or an operator without its group.
    case unbalanced
    /// An element that is neither an atom nor a group.
    case atom(Atom.ParseError)
    /// A USE conditional with an invalid flag.
    case flag(String)
  }

  /// The longest string that is read, in bytes.
  public static let longest = 262_144
  /// The deepest nesting that is read; the main repository's deepest is below ten.
  public static let deepest = 32

  /// The elements at the top, all of which are wanted.
  public let nodes: [Node]

  /// Holds checked elements.
  public init(_ nodes: [Node]) { self.nodes = nodes }

  /// Reads a dependency string within the bounds above.
  public init(_ text: some StringProtocol) throws(ParseError) {
    let count = text.utf8.count
    guard count <= Self.longest else { throw .tooLong(count, limit: Self.longest) }
    var parser = DependencyParser(text)
    nodes = try parser.parse()
  }

  /// Whether a USE conditional or a conditional USE dependency is left.
  public var isConditional: Bool {
    Self.hasConditional(nodes)
  }

  /// Every atom in order, blockers included.
  public var atoms: [Atom] {
    var found: [Atom] = []
    Self.collect(nodes, into: &found)
    return found
  }

  /// The atoms whose slot is bound (`:slot/subslot=`), in order.
  public var boundAtoms: [Atom] { atoms.filter(\.isBound) }

  /// One space between elements, groups as Portage prints them.
  public var description: String {
    var words: [String] = []
    Self.print(nodes, into: &words)
    return words.joined(separator: " ")
  }

  private static func hasConditional(_ nodes: [Node]) -> Bool {
    nodes.contains { node in
      switch node {
      case .atom(let atom): atom.use.contains(where: \.isConditional)
      case .group(_, let inside): hasConditional(inside)
      case .conditional: true
      }
    }
  }

  private static func collect(_ nodes: [Node], into found: inout [Atom]) {
    for node in nodes {
      switch node {
      case .atom(let atom): found.append(atom)
      case .group(_, let inside), .conditional(_, _, let inside): collect(inside, into: &found)
      }
    }
  }

  private static func print(_ nodes: [Node], into words: inout [String]) {
    for node in nodes {
      switch node {
      case .atom(let atom):
        words.append(atom.description)
      case .group(let kind, let inside):
        if kind != .all { words.append(kind.rawValue) }
        words.append("(")
        print(inside, into: &words)
        words.append(")")
      case .conditional(let flag, let negated, let inside):
        words.append("\(negated ? "!" : "")\(flag)?")
        words.append("(")
        print(inside, into: &words)
        words.append(")")
      }
    }
  }
}
