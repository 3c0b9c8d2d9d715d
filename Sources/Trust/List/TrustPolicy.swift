/// How the ebuild's text is compared with what a build followed.
public enum RecipePolicy: String, Sendable, Hashable, CaseIterable {
  /// The revision decides, as Gentoo's own rules have it: the default for `::gentoo`.
  case revision
  /// The same ebuild but for comments, KEYWORDS, HOMEPAGE, DESCRIPTION and LICENSE.
  case ebuild
  /// The same ebuild, eclasses and `files`: the default for every other repository.
  case exact

  /// The least nearness that this accepts.
  var nearness: RecipeNearness {
    switch self {
    case .revision: .revision
    case .ebuild: .ebuild
    case .exact: .exact
    }
  }

  /// The default for a repository: overlays share names and revisions, so only `gentoo` goes by those.
  public static func standard(for repository: String) -> RecipePolicy {
    repository == "gentoo" ? .revision : .exact
  }
}

/// How configured compiler flags, or the switches for debugging, are compared.
public enum EqualityPolicy: String, Sendable, Hashable, CaseIterable {
  /// They must be equal.
  case exact
  /// They may differ.
  case any
}

/// Whose builds of a set of packages are accepted, and how near they must be.
public struct TrustPolicy: Sendable, Hashable {
  /// Who must have built a package.
  public enum Rule: Sendable, Hashable {
    /// This host itself.
    case own
    /// So many of the named issuers (of all, where none is named) with equal agreement digests.
    case agreeing(Int, of: [String])
    /// Any one of these issuers by name; where none is named, any that may build it.
    case oneOf([String])
    /// Any one of those issuers that may build @system: the default for it and the toolchain.
    case systemIssuers
  }

  /// The packages that it is for.
  public var packages: [PackagePattern]
  /// Who must have built them.
  public var rule: Rule
  /// How configured flags are compared; nil takes the list's default.
  public var flags: EqualityPolicy?
  /// How the recipe is compared; nil takes the list's default.
  public var recipe: RecipePolicy?
  /// How splitdebug, nostrip, compressdebug and installsources are compared; nil takes the list's default.
  public var contentFeatures: EqualityPolicy?

  /// A policy for some packages.
  public init(
    packages: [PackagePattern], rule: Rule, flags: EqualityPolicy? = nil,
    recipe: RecipePolicy? = nil, contentFeatures: EqualityPolicy? = nil
  ) {
    self.packages = packages
    self.rule = rule
    self.flags = flags
    self.recipe = recipe
    self.contentFeatures = contentFeatures
  }

  /// Named issuers for @system and the toolchain, then any issuer for all else.
  public static let standard: [TrustPolicy] = [
    TrustPolicy(packages: [.system, .toolchain], rule: .systemIssuers),
    TrustPolicy(packages: [.all], rule: .oneOf([])),
  ]

  /// How many issuers must have signed.
  public var needed: Int {
    switch rule {
    case .agreeing(let count, _): count
    case .own, .oneOf, .systemIssuers: 1
    }
  }
}

extension TrustPolicy: CustomStringConvertible {
  /// The packages and the rule in one line.
  public var description: String {
    let who =
      switch rule {
      case .own: "own builds only"
      case .agreeing(let count, let names):
        "\(count) agreeing builders" + (names.isEmpty ? "" : " of " + names.joined(separator: ", "))
      case .oneOf(let names):
        names.isEmpty ? "any trusted issuer" : "one of " + names.joined(separator: ", ")
      case .systemIssuers: "an issuer that may build @system"
      }
    return packages.map(\.description).joined(separator: " ") + ": " + who
  }
}
