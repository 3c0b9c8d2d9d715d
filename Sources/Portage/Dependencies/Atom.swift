/// A package dependency specification, such as `>=dev-libs/openssl-3:0/3=[-test]` (PMS 9 §8.3).
public struct Atom: Sendable, Hashable, CustomStringConvertible {
  /// How strongly the atom forbids instead of wanting.
  public enum Blocker: String, Sendable, Hashable {
    /// `!`
    case weak = "!"
    /// `!!`
    case strong = "!!"
  }

  /// How the version is compared.
  public enum Comparison: String, Sendable, Hashable {
    /// `<`
    case less = "<"
    /// `<=`
    case lessOrEqual = "<="
    /// `=`
    case equal = "="
    /// `=` with an asterisk after the version.
    case startsWith = "=*"
    /// `~`: equal, whatever the revision.
    case anyRevision = "~"
    /// `>=`
    case greaterOrEqual = ">="
    /// `>`
    case greater = ">"
  }

  /// A version bound.
  public struct Bound: Sendable, Hashable {
    /// The comparison.
    public let comparison: Comparison
    /// The version compared with.
    public let version: Version

    /// Makes a bound.
    public init(_ comparison: Comparison, _ version: Version) {
      self.comparison = comparison
      self.version = version
    }

    /// Whether both are written the same; `1.0` and `1.0-r0` differ here.
    public static func == (left: Bound, right: Bound) -> Bool {
      left.comparison == right.comparison && left.version.text == right.version.text
    }

    /// Hashes what `==` compares.
    public func hash(into hasher: inout Hasher) {
      hasher.combine(comparison)
      hasher.combine(version.text)
    }
  }

  /// Why a text is no atom.
  public enum ParseError: Error, Equatable, Sendable {
    /// Longer than the bound, in bytes.
    case tooLong(Int, limit: Int)
    /// The package or version part, or the lack of an operator before a version.
    case package(String)
    /// The part after a colon.
    case slot(String)
    /// The part after two colons.
    case repository(String)
    /// The part in brackets.
    case use(String)
  }

  /// The longest atom that is read, in bytes.
  public static let longest = 4096

  /// The blocker, if it is one.
  public let blocker: Blocker?
  /// The package.
  public let package: PackageName
  /// The version bound, if any.
  public let bound: Bound?
  /// The slot part, if any.
  public var slot: SlotDependency?
  /// The repository after `::`, if any.
  public let repository: String?
  /// The elements in brackets, in their order.
  public let use: [UseDependency]

  /// Makes an atom from checked parts.
  public init(
    blocker: Blocker? = nil, package: PackageName, bound: Bound? = nil,
    slot: SlotDependency? = nil
  ) {
    self.blocker = blocker
    self.package = package
    self.bound = bound
    self.slot = slot
    repository = nil
    use = []
  }

  /// Reads an atom of at most 4,096 bytes.
  public init(_ text: some StringProtocol) throws(ParseError) {
    let count = text.utf8.count
    guard count <= Self.longest else { throw .tooLong(count, limit: Self.longest) }
    var rest = Substring(text)
    use = try Self.takeUse(&rest)
    repository = try Self.takeRepository(&rest)
    slot = try Self.takeSlot(&rest)
    blocker = Self.takeBlocker(&rest)
    (package, bound) = try Self.readPackage(rest)
  }

  /// Whether the slot is bound to what was installed at build time (`:slot/subslot=`).
  public var isBound: Bool {
    if case .exactlyRebuilding(let slot)? = slot { return slot.subslot != nil }
    return false
  }

  /// The text, as Portage would write it.
  public var description: String {
    var text = blocker?.rawValue ?? ""
    switch bound?.comparison {
    case nil: break
    case .startsWith: text += "="
    case let comparison?: text += comparison.rawValue
    }
    text += package.description
    if let bound {
      text += "-\(bound.version)"
      if bound.comparison == .startsWith { text += "*" }
    }
    if let slot { text += ":\(slot)" }
    if let repository { text += "::\(repository)" }
    guard let first = use.first else { return text }
    text += "[\(first)"
    for element in use.dropFirst() { text += ",\(element)" }
    return text + "]"
  }
}
