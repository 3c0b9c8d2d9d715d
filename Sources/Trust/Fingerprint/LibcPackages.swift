import Portage

/// The packages whose atoms Portage adds to what it builds and leaves out when it compares
/// (`doebuild._inject_libc_dep`, `dep/libc.py`).
enum LibcPackages {
  static let names: Set<PackageName> = {
    var names: Set<PackageName> = []
    for text in ["sys-libs/glibc", "sys-libs/musl", "virtual/libc"] {
      if let name = try? PackageName(text) { names.insert(name) }
    }
    return names
  }()

  /// The dependencies without libc atoms and without bindings that follow unrelated packages.
  static func normalize(_ tree: DependencyTree) -> DependencyTree {
    tree.removing(names).unboundInChoices
  }

  /// The newest `>=` bound on a libc provider among the atoms at the top, as Portage appends it.
  static func bound(in tree: DependencyTree) -> (package: PackageName, version: Version)? {
    var best: (package: PackageName, version: Version)?
    for case .atom(let atom) in tree.nodes where names.contains(atom.package) {
      guard atom.blocker == nil, atom.package.category != "virtual",
        let bound = atom.bound, bound.comparison == .greaterOrEqual
      else { continue }
      if let known = best, known.version >= bound.version { continue }
      best = (atom.package, bound.version)
    }
    return best
  }
}
