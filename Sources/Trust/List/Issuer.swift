public import Cryptography
public import Wire

/// A key whose builds this host may install, with the bounds of that trust.
///
/// Whoever holds such a key can act as root here, since a package's phases run as root: the bounds
/// limit mistakes, not malice.
public struct Issuer: Sendable, Hashable {
  /// The key.
  public var key: PublicKey
  /// The name that users gave it: a word that policies name it by.
  public var name: String
  /// The repositories that it may build for, as globs; empty means all.
  public var repositories: [String]
  /// The packages that it may build; empty means all.
  public var packages: [PackagePattern]
  /// The values of ARCH that it may build for; empty means all.
  public var architectures: [String]
  /// Builds signed before this don't count.
  public var from: Timestamp?
  /// From here on nothing of it counts.
  public var until: Timestamp?
  /// Which of several acceptable builds is preferred, 1 to 1,000; more is better.
  public var weight: Int
  /// Whether it is among those who may build @system and the toolchain where no policy names others.
  public var mayBuildSystem: Bool

  /// An issuer for everything but @system and the toolchain, unless told otherwise.
  public init(
    key: PublicKey, name: String, repositories: [String] = [], packages: [PackagePattern] = [],
    architectures: [String] = [], from: Timestamp? = nil, until: Timestamp? = nil,
    weight: Int = 100, mayBuildSystem: Bool = false
  ) {
    self.key = key
    self.name = name
    self.repositories = repositories
    self.packages = packages
    self.architectures = architectures
    self.from = from
    self.until = until
    self.weight = weight
    self.mayBuildSystem = mayBuildSystem
  }

  /// A short text that says what the key may do, for whoever adds it.
  public var powers: String {
    var scope = packages.isEmpty ? "every package" : list(packages.map(\.description))
    if packages.isEmpty, !mayBuildSystem {
      scope += " but @system and @toolchain (unless a policy names it)"
    }
    scope += repositories.isEmpty ? " of every repository" : " of " + list(repositories)
    if !architectures.isEmpty { scope += " for " + list(architectures) }
    if let from { scope += " from \(from)" }
    if let until { scope += " until \(until)" }
    return "\(name) may build \(scope). Its holder can act as root on this host: "
      + "packages run code as root when they are installed, and scopes limit mistakes, not malice."
  }

  private func list(_ words: [String]) -> String { words.joined(separator: ", ") }
}

extension Issuer {
  /// A bound of an issuer's trust that a build lies outside of.
  public enum ScopePart: String, Sendable, Hashable {
    /// The repository.
    case repository
    /// The package.
    case package
    /// The architecture.
    case architecture
  }

  /// The first bound that the package lies outside of, or nil.
  func bound(excluding facts: PackageFacts, system: Set<String>) -> ScopePart? {
    if !repositories.isEmpty,
      !repositories.contains(where: { Glob.matches($0, facts.repository) })
    {
      return .repository
    }
    if !packages.isEmpty, !packages.contains(where: { $0.contains(facts.name, system: system) }) {
      return .package
    }
    if !architectures.isEmpty, !architectures.contains(facts.target.arch) { return .architecture }
    return nil
  }
}
