/// Category, package and version: names one ebuild of a repository, as `dev-libs/openssl-3.0.1-r1`.
///
/// Equality is by text, since `1.0` and `1.0-r0` are different files; the order is by version.
public struct CPV: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Why a text names no version of a package.
  public enum ParseError: Error, Equatable, Sendable {
    /// Longer than the bound, in bytes.
    case tooLong(Int, limit: Int)
    /// There is no hyphen followed by a version at the end.
    case noVersion(String)
    /// What stands before the version is no package name.
    case name(PackageName.ParseError)
  }

  /// The package.
  public let package: PackageName
  /// Its version.
  public let version: Version

  /// Joins a package and a version.
  public init(package: PackageName, version: Version) {
    self.package = package
    self.version = version
  }

  /// Reads `category/name-version`, at most 511 bytes.
  public init(_ text: some StringProtocol) throws(ParseError) {
    let limit = 2 * NameRules.longest + 1
    let count = text.utf8.count
    guard count <= limit else { throw .tooLong(count, limit: limit) }
    guard let (name, version) = NameRules.splitVersion(Substring(text)) else {
      throw .noVersion(String(text))
    }
    do {
      package = try PackageName(name)
    } catch {
      throw .name(error)
    }
    self.version = version
  }

  /// `name-version`, the `PF` of an ebuild.
  public var fullName: String { "\(package.name)-\(version)" }

  /// `category/name-version`.
  public var description: String { "\(package)-\(version)" }

  /// Whether package and version are written the same.
  public static func == (left: CPV, right: CPV) -> Bool {
    left.version.text == right.version.text && left.package == right.package
  }

  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(package)
    hasher.combine(version.text)
  }

  /// By package, then version; equal versions by their text.
  public static func < (left: CPV, right: CPV) -> Bool {
    if left.package != right.package { return left.package < right.package }
    if left.version != right.version { return left.version < right.version }
    return left.version.text < right.version.text
  }
}
