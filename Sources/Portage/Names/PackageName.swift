/// A category and a package name, such as `dev-libs/openssl` (PMS 9 §3.1.1, §3.1.2).
public struct PackageName: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Why a text is no package name.
  public enum ParseError: Error, Equatable, Sendable {
    /// Not `category/name`, or a character that may not stand there.
    case malformed(String)
    /// The name ends in a hyphen and a version, which would make it ambiguous.
    case endsLikeVersion(String)
  }

  /// The category.
  public let category: String
  /// The name within the category.
  public let name: String

  /// Takes the two halves; each at most 255 bytes.
  public init(
    category: some StringProtocol, name: some StringProtocol
  ) throws(ParseError) {
    guard NameRules.isCategoryOrSlot(category), NameRules.isPackage(name) else {
      throw .malformed("\(category.prefix(NameRules.longest))/\(name.prefix(NameRules.longest))")
    }
    guard NameRules.splitVersion(Substring(name)) == nil else {
      throw .endsLikeVersion("\(category)/\(name)")
    }
    self.category = String(category)
    self.name = String(name)
  }

  /// Reads `category/name`.
  public init(_ text: some StringProtocol) throws(ParseError) {
    guard let slash = text.firstIndex(of: "/") else {
      throw .malformed(String(text.prefix(NameRules.longest)))
    }
    try self.init(category: text[..<slash], name: text[text.index(after: slash)...])
  }

  /// `category/name`.
  public var description: String { "\(category)/\(name)" }

  /// By category, then by name.
  public static func < (left: PackageName, right: PackageName) -> Bool {
    left.category == right.category ? left.name < right.name : left.category < right.category
  }
}
