/// A package version with its revision, such as `1.2.3b_rc1-r2` (PMS 9 §3.2).
///
/// Two versions are equal when the specification orders neither before the other, so `1.0`,
/// `1.0-r0` and `1.0_p` against `1.0_p0` compare equal while their `text` differs. Numbers have any length.
public struct Version: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The kinds of suffix, in their order (PMS 9, algorithm 3.6).
  public enum SuffixKind: Int, Sendable, Hashable {
    /// `_alpha`
    case alpha = -4
    /// `_beta`
    case beta = -3
    /// `_pre`
    case pre = -2
    /// `_rc`
    case rc = -1
    /// `_p`, the only one that is newer than no suffix.
    case p = 1
  }

  /// Why a text is no version.
  public enum ParseError: Error, Equatable, Sendable {
    /// Longer than the bound, in bytes.
    case tooLong(Int, limit: Int)
    /// Not of the form that the specification gives.
    case malformed(String)
  }

  struct Suffix: Sendable, Hashable {
    var kind: SuffixKind
    var number: Digits
  }

  /// The version exactly as it was written.
  public let text: String
  /// The revision as written, without `r`; empty where there is none.
  public let revisionText: String

  private let key: Key

  /// What the order looks at; leading and trailing zeros are gone where they don't count.
  private struct Key: Sendable, Hashable {
    var major: Digits
    var components: [Component]
    var letter: UInt8
    var suffixes: [Suffix]
    var revision: Digits
  }

  /// Reads a version of at most 255 bytes.
  public init(_ text: some StringProtocol) throws(ParseError) {
    let count = text.utf8.count
    guard count <= NameRules.longest else {
      throw .tooLong(count, limit: NameRules.longest)
    }
    var scanner = ByteScanner(Array(text.utf8))
    guard let parsed = Self.parse(&scanner), scanner.isAtEnd else {
      throw .malformed(String(text))
    }
    self.text = String(text)
    key = parsed.key
    revisionText = parsed.revision
  }

  /// The version without its revision, as `PV` is to `PVR`.
  public var withoutRevision: String {
    revisionText.isEmpty ? text : String(text.dropLast(revisionText.utf8.count + 2))
  }

  /// Whether `other` is the same version when revisions are left out (the operator `~`).
  public func isEqualIgnoringRevision(to other: Version) -> Bool {
    var (mine, theirs) = (key, other.key)
    mine.revision = Digits()
    theirs.revision = Digits()
    return mine == theirs
  }

  /// The text.
  public var description: String { text }

  /// Whether the specification orders neither before the other.
  public static func == (left: Version, right: Version) -> Bool { left.key == right.key }

  /// Equal versions have equal hashes, however they are written.
  public func hash(into hasher: inout Hasher) { hasher.combine(key) }

  /// The order of PMS 9 §3.3.
  public static func < (left: Version, right: Version) -> Bool {
    if left.key.major != right.key.major { return left.key.major < right.key.major }
    for (mine, theirs) in zip(left.key.components, right.key.components) where mine != theirs {
      return mine < theirs
    }
    let (mine, theirs) = (left.key.components.count, right.key.components.count)
    if mine != theirs { return mine < theirs }
    if left.key.letter != right.key.letter { return left.key.letter < right.key.letter }
    if let order = order(left.key.suffixes, right.key.suffixes) { return order }
    return left.key.revision < right.key.revision
  }

  /// Whether `left` comes first, or nil where they are equal (algorithms 3.5 and 3.6).
  private static func order(_ left: [Suffix], _ right: [Suffix]) -> Bool? {
    for (mine, theirs) in zip(left, right) {
      if mine.kind != theirs.kind { return mine.kind.rawValue < theirs.kind.rawValue }
      if mine.number != theirs.number { return mine.number < theirs.number }
    }
    if left.count > right.count { return left[right.count].kind != .p }
    if right.count > left.count { return right[left.count].kind == .p }
    return nil
  }

  private static func parse(_ scanner: inout ByteScanner) -> (key: Key, revision: String)? {
    guard let major = scanner.takeDigits() else { return nil }
    var key = Key(
      major: Digits(major), components: [], letter: 0, suffixes: [], revision: Digits())
    while scanner.take(UInt8(ascii: ".")) {
      guard let digits = scanner.takeDigits() else { return nil }
      key.components.append(Component(digits))
    }
    if let letter = scanner.peek, NameRules.isLower(letter) {
      key.letter = letter
      scanner.advance()
    }
    while scanner.take(UInt8(ascii: "_")) {
      guard let kind = suffixKind(&scanner) else { return nil }
      key.suffixes.append(Suffix(kind: kind, number: Digits(scanner.takeDigits() ?? [])))
    }
    guard scanner.take("-r") else { return (key, "") }
    guard let revision = scanner.takeDigits() else { return nil }
    key.revision = Digits(revision)
    return (key, String(decoding: revision, as: UTF8.self))
  }

  private static func suffixKind(_ scanner: inout ByteScanner) -> SuffixKind? {
    if scanner.take("alpha") { return .alpha }
    if scanner.take("beta") { return .beta }
    if scanner.take("pre") { return .pre }
    if scanner.take("rc") { return .rc }
    return scanner.take("p") ? .p : nil
  }
}
