import Builder
import Portage
import Trust

/// The files under `etc/portage` and the atoms that make Portage build exactly the requested facts.
///
/// Every word in them was checked by `BuildRequest`.
struct BuildConfiguration: Equatable {
  /// The one version of the one package.
  let atom: String
  /// Dependencies that must be merged with these slots first, so that `:=` binds to them.
  let bound: [String]
  /// Path below `etc/portage` → text.
  let files: [String: String]

  init(_ request: BuildRequest) {
    let facts = request.facts
    atom = "=\(facts.cpv)::\(facts.repository)"
    let wanted = Self.wanted(facts.depend)
    bound = wanted.bound
    var environment = ""
    for (name, value) in facts.flags.sorted(by: { $0.key < $1.key }) {
      environment += "\(name)=\"\(value)\"\n"
    }
    let features = ["compressdebug", "installsources", "nostrip", "splitdebug"].map { feature in
      facts.contentFeatures.contains(feature) ? feature : "-\(feature)"
    }
    environment += "FEATURES=\"\(features.joined(separator: " "))\"\n"
    var use = wanted.use.map { "\($0)\n" }.joined()
    if !facts.use.isEmpty { use += "\(atom) \(facts.use.joined(separator: " "))\n" }
    let testing = bound.map { "\($0) ~\(facts.target.arch)\n" }.joined()
    files = [
      "package.use/zz-larder": use,
      "package.env/zz-larder": "\(atom) larder-request\n",
      "env/larder-request": environment,
      "package.accept_keywords/zz-larder": "\(atom) **\n" + testing,
      "package.license/zz-larder": "\(atom) *\n",
      "package.unmask/zz-larder": "\(atom)\n",
    ]
  }

  /// What the dependencies ask of other packages: bound slots, and lines of package.use.
  private static func wanted(
    _ depend: PackageFacts.Dependencies
  ) -> (bound: [String], use: [String]) {
    var bound: [String] = []
    var use: [String] = []
    for text in [depend.depend, depend.rdepend, depend.bdepend, depend.idepend, depend.pdepend] {
      guard let tree = try? DependencyTree(text) else { continue }
      for atom in required(tree.nodes) where atom.blocker == nil {
        if atom.isBound, let slot = atom.slot?.slot {
          let line = "\(atom.package):\(slot)"
          if !bound.contains(line) { bound.append(line) }
        }
        let flags = atom.use.compactMap { element -> String? in
          switch element.condition {
          case .enabled: element.flag
          case .disabled: "-\(element.flag)"
          case .enabledIfParent, .disabledUnlessParent, .sameAsParent, .oppositeOfParent: nil
          }
        }
        let line = "\(atom.package) \(flags.joined(separator: " "))"
        if !flags.isEmpty, !use.contains(line) { use.append(line) }
      }
    }
    return (bound, use)
  }

  /// The atoms that are wanted whatever else is installed: those outside `|| ( )` and its like.
  private static func required(_ nodes: [DependencyTree.Node]) -> [Atom] {
    var found: [Atom] = []
    for node in nodes {
      switch node {
      case .atom(let atom): found.append(atom)
      case .group(.all, let inside): found += required(inside)
      case .group(.any, _), .group(.exactlyOne, _), .group(.atMostOne, _), .conditional: break
      }
    }
    return found
  }
}
