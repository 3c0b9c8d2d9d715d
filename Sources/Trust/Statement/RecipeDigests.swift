import Wire

/// How near the texts that two builds followed are.
public enum RecipeNearness: Int, Sendable, Hashable, Comparable {
  /// Only the revision is the same.
  case revision = 0
  /// The ebuilds differ only in comments, KEYWORDS, HOMEPAGE, DESCRIPTION or LICENSE.
  case ebuild = 1
  /// Ebuild, every inherited eclass and `files` are the same.
  case exact = 2

  /// Whether the left nearness is the lesser.
  public static func < (left: RecipeNearness, right: RecipeNearness) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// Digests of the texts that a build followed, 16 bytes each; empty where unknown.
public struct RecipeDigests: Sendable, Hashable {
  /// The ebuild as it is.
  public let ebuild: [UInt8]
  /// The ebuild without what never changes a build.
  public let normalized: [UInt8]
  /// Ebuild, eclasses and `files` together.
  public let exact: [UInt8]

  /// The bytes of each digest that are kept.
  public static let length = 16

  /// Digests as a statement carries them.
  public init(ebuild: [UInt8], normalized: [UInt8], exact: [UInt8]) {
    self.ebuild = ebuild
    self.normalized = normalized
    self.exact = exact
  }

  /// The digests of a recipe.
  public init(of recipe: PackageFacts.Recipe) {
    ebuild = Self.cut(recipe.ebuild)
    normalized = Self.cut(recipe.normalized)
    guard !recipe.ebuild.isEmpty else {
      exact = []
      return
    }
    var hash = CanonicalHash(domain: "larder recipe 1", length: Self.length)
    hash.append(recipe.ebuild.lowercased())
    hash.append(recipe.files.lowercased())
    for (name, digest) in recipe.eclasses.sorted(by: { $0.key < $1.key }) {
      hash.append(name)
      hash.append(digest.lowercased())
    }
    exact = hash.finalize()
  }

  /// How near the other recipe is; unknown digests are equal to nothing.
  public func nearness(to other: RecipeDigests) -> RecipeNearness {
    if !exact.isEmpty, exact == other.exact { return .exact }
    if !normalized.isEmpty, normalized == other.normalized { return .ebuild }
    if !ebuild.isEmpty, ebuild == other.ebuild { return .ebuild }
    return .revision
  }

  private static func cut(_ hex: String) -> [UInt8] {
    [UInt8](hex: hex).map { Array($0.prefix(length)) } ?? []
  }
}
