extension DependencyTree {
  /// The tree without redundant groups, which Portage also takes out before it writes a string.
  ///
  /// A group of one is that one, an all-of group within an all-of group and an any-of group
  /// within an any-of group are merged, empty groups are left out. Order and repetitions stay.
  public var normalized: DependencyTree {
    DependencyTree(Self.normalize(nodes, within: .all))
  }

  /// The normalized tree without the atoms of `packages`, blockers included.
  ///
  /// Portage leaves libc out in this way when it compares dependencies.
  public func removing(_ packages: Set<PackageName>) -> DependencyTree {
    DependencyTree(Self.filter(nodes) { !packages.contains($0.package) }).normalized
  }

  /// The tree with the slot of each bound atom inside an any-of group taken off, since it
  /// follows whatever is installed: `|| ( a/b:0/1= c/d:= )` becomes `|| ( a/b:= c/d:= )`.
  public var unboundInChoices: DependencyTree {
    DependencyTree(Self.unbind(nodes, inChoice: false))
  }

  private static func normalize(_ nodes: [Node], within outer: GroupKind) -> [Node] {
    var result: [Node] = []
    for node in nodes {
      switch node {
      case .atom:
        result.append(node)
      case .conditional(let flag, let negated, let inside):
        let kept = normalize(inside, within: .all)
        if !kept.isEmpty { result.append(.conditional(flag: flag, negated: negated, kept)) }
      case .group(let kind, let inside):
        let kept = normalize(inside, within: kind)
        result.append(contentsOf: reduce(kind, kept, within: outer))
      }
    }
    return result
  }

  private static func reduce(_ kind: GroupKind, _ nodes: [Node], within outer: GroupKind) -> [Node]
  {
    if nodes.isEmpty { return [] }
    switch kind {
    case .all, .any:
      if kind == outer { return nodes }
      guard nodes.count == 1, let only = nodes.first else { return [.group(kind, nodes)] }
      // What was inside may now merge with the group around it.
      if case .group(let inner, let inside) = only, inner == outer, inner == .all || inner == .any {
        return inside
      }
      return nodes
    case .exactlyOne, .atMostOne:
      return [.group(kind, nodes)]
    }
  }

  private static func filter(_ nodes: [Node], _ isKept: (Atom) -> Bool) -> [Node] {
    var result: [Node] = []
    for node in nodes {
      switch node {
      case .atom(let atom):
        if isKept(atom) { result.append(node) }
      case .group(let kind, let inside):
        result.append(.group(kind, filter(inside, isKept)))
      case .conditional(let flag, let negated, let inside):
        result.append(.conditional(flag: flag, negated: negated, filter(inside, isKept)))
      }
    }
    return result
  }

  private static func unbind(_ nodes: [Node], inChoice: Bool) -> [Node] {
    var result: [Node] = []
    for node in nodes {
      switch node {
      case .atom(var atom):
        if inChoice, case .exactlyRebuilding? = atom.slot { atom.slot = atom.unboundSlot }
        result.append(.atom(atom))
      case .group(let kind, let inside):
        result.append(.group(kind, unbind(inside, inChoice: inChoice || kind != .all)))
      case .conditional(let flag, let negated, let inside):
        result.append(
          .conditional(flag: flag, negated: negated, unbind(inside, inChoice: inChoice)))
      }
    }
    return result
  }
}

extension Atom {
  /// The slot part before Portage bound it, as far as it can be told.
  ///
  /// `:=` and `:0=` are both written `:0/1=` once bound, so both become `:=`.
  var unboundSlot: SlotDependency? { isBound ? .anyRebuilding : slot }
}
