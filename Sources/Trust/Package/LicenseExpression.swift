/// A LICENSE with its USE conditionals decided (PMS 9 §7.2): names, all-of and any-of groups.
struct LicenseExpression {
  private indirect enum Node {
    case name(Substring)
    case all([Node])
    case any([Node])
  }

  private static let deepest = 16
  private let root: Node

  /// Nil where the text is none, a group is not closed, or groups nest deeper than 16.
  init?(_ text: String) {
    var words = text.split { $0 == " " || $0 == "\t" || $0 == "\n" }[...]
    guard let nodes = Self.parse(&words, depth: 0), words.isEmpty else { return nil }
    root = .all(nodes)
  }

  /// The names that keep a package from being passed on where only `allowed` ones let it; empty if none.
  func objections(allowed: Set<String>) -> [String] {
    Self.objections(root, allowed)
  }

  private static func objections(_ node: Node, _ allowed: Set<String>) -> [String] {
    switch node {
    case .name(let name): return allowed.contains(String(name)) ? [] : [String(name)]
    case .all(let nodes): return nodes.flatMap { objections($0, allowed) }
    case .any(let nodes):
      let each = nodes.map { objections($0, allowed) }
      return each.contains(where: \.isEmpty) ? [] : each.flatMap(\.self)
    }
  }

  private static func parse(_ words: inout ArraySlice<Substring>, depth: Int) -> [Node]? {
    guard depth <= deepest else { return nil }
    var nodes: [Node] = []
    while let word = words.first, word != ")" {
      words.removeFirst()
      switch word {
      case "||", "(":
        if word == "||", words.popFirst() != "(" { return nil }
        guard let inside = parse(&words, depth: depth + 1), words.popFirst() == ")" else {
          return nil
        }
        nodes.append(word == "||" ? .any(inside) : .all(inside))
      default:
        guard !word.hasSuffix("?") else { return nil }
        nodes.append(.name(word))
      }
    }
    return nodes
  }
}
