import Portage

/// What the ELF files of an image need together.
struct ELFSummary {
  private var needed: [ELFFacts.NeededVersions] = []
  private var provided: Set<String> = []
  private(set) var level: CPULevel?

  /// Takes in one program or library.
  mutating func add(_ facts: ELFFacts, path: String) {
    guard facts.type == 2 || facts.type == 3 else { return }
    if let soname = facts.soname { provided.insert(soname) }
    for versions in facts.neededVersions where needed.count < 100_000 { needed.append(versions) }
    // The loader takes a library from there only where the CPU has that level.
    guard !path.contains("/glibc-hwcaps/"), let wanted = facts.x86LevelNeeded else { return }
    let found: CPULevel =
      switch wanted {
      case .baseline: .v1
      case .v2: .v2
      case .v3: .v3
      case .v4: .v4
      }
    level = level.map { max($0, found) } ?? found
  }

  /// The highest version of each family that other packages must provide, glibc's and GCC's first; as
  /// many as a statement holds.
  var symbols: [String] {
    var highest: [String: (version: Version?, text: String)] = [:]
    for versions in needed where !provided.contains(versions.library) {
      for text in versions.versions {
        let (family, version) = Self.split(text)
        if let known = highest[family], !Self.isNewer(version, than: known.version) { continue }
        highest[family] = (version, text)
      }
    }
    let first = ["GLIBC", "GLIBC_PRIVATE", "GLIBCXX", "CXXABI", "GCC"]
    let rank = { (family: String) in first.firstIndex(of: family) ?? first.count }
    let families = highest.keys.sorted { (rank($0), $0) < (rank($1), $1) }
    var symbols: [String] = []
    for family in families where symbols.count < JudgedFacts.mostSymbols {
      guard let text = highest[family]?.text, JudgedFacts.isWord(text) else { continue }
      symbols.append(text)
    }
    return symbols
  }

  /// `GLIBC_2.38` is 2.38 of the family GLIBC; a name without a number is a family of its own.
  private static func split(_ text: String) -> (family: String, version: Version?) {
    guard let bar = text.lastIndex(of: "_"),
      let version = try? Version(text[text.index(after: bar)...])
    else { return (text, nil) }
    return (String(text[..<bar]), version)
  }

  private static func isNewer(_ version: Version?, than other: Version?) -> Bool {
    guard let version else { return false }
    guard let other else { return true }
    return version > other
  }
}
