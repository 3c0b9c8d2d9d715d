/// Reads the words of a dependency string into a tree, with an explicit stack.
struct DependencyParser {
  private enum Opening {
    case group(DependencyTree.GroupKind)
    case conditional(flag: String, negated: Bool)
  }

  private let words: [Substring.UTF8View.SubSequence]
  private var open: [(opening: Opening, nodes: [DependencyTree.Node])] = []
  private var pending: Opening?

  init(_ text: some StringProtocol) {
    words = Substring(text).utf8.split { $0 == 0x20 || ($0 >= 0x09 && $0 <= 0x0d) }
  }

  mutating func parse() throws(DependencyTree.ParseError) -> [DependencyTree.Node] {
    var nodes: [DependencyTree.Node] = []
    for word in words {
      switch Substring(word) {
      case "(":
        guard open.count < DependencyTree.deepest else {
          throw .tooDeep(limit: DependencyTree.deepest)
        }
        open.append((pending ?? .group(.all), nodes))
        nodes = []
        pending = nil
      case ")":
        guard pending == nil, let (opening, outer) = open.popLast() else { throw .unbalanced }
        nodes = outer + [close(opening, nodes)]
      case let word:
        guard pending == nil else { throw .unbalanced }
        pending = try self.opening(word)
        if pending == nil { nodes.append(try atom(word)) }
      }
    }
    guard open.isEmpty, pending == nil else { throw .unbalanced }
    return nodes
  }

  private func close(
    _ opening: Opening, _ nodes: [DependencyTree.Node]
  ) -> DependencyTree.Node {
    switch opening {
    case .group(let kind): .group(kind, nodes)
    case .conditional(let flag, let negated): .conditional(flag: flag, negated: negated, nodes)
    }
  }

  /// What `word` makes of the group after it; nil where it is an atom.
  private func opening(_ word: Substring) throws(DependencyTree.ParseError) -> Opening? {
    if let kind = DependencyTree.GroupKind(rawValue: String(word)) { return .group(kind) }
    guard word.last == "?" else { return nil }
    let negated = word.first == "!"
    let flag = word.dropLast().dropFirst(negated ? 1 : 0)
    guard NameRules.isFlag(flag) else { throw .flag(String(word.prefix(NameRules.longest))) }
    return .conditional(flag: String(flag), negated: negated)
  }

  private func atom(_ word: Substring) throws(DependencyTree.ParseError) -> DependencyTree.Node {
    do {
      return .atom(try Atom(word))
    } catch {
      throw .atom(error)
    }
  }
}
