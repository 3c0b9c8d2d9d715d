/// One element of the brackets of an atom, such as `-debug`, `nls(+)?` or `!test=` (PMS 9 §8.3.4).
public struct UseDependency: Sendable, Hashable, CustomStringConvertible {
  /// Which state of the flag is wanted.
  public enum Condition: Sendable, Hashable {
    /// `flag`
    case enabled
    /// `-flag`
    case disabled
    /// `flag?`
    case enabledIfParent
    /// `!flag?`
    case disabledUnlessParent
    /// `flag=`
    case sameAsParent
    /// `!flag=`
    case oppositeOfParent
  }

  /// What counts where the package lacks the flag.
  public enum Default: String, Sendable, Hashable {
    /// `(+)`
    case enabled = "(+)"
    /// `(-)`
    case disabled = "(-)"
  }

  /// The flag's name.
  public let flag: String
  /// The state wanted.
  public let condition: Condition
  /// The state assumed of a missing flag, if given.
  public let missing: Default?

  /// Whether it still depends on the parent's flags.
  public var isConditional: Bool {
    switch condition {
    case .enabled, .disabled: false
    case .enabledIfParent, .disabledUnlessParent, .sameAsParent, .oppositeOfParent: true
    }
  }

  init?(_ text: Substring) {
    var rest = text
    let prefix = rest.first
    if prefix == "-" || prefix == "!" { rest.removeFirst() }
    let suffix = rest.last
    if suffix == "?" || suffix == "=" { rest.removeLast() }
    if rest.hasSuffix("(+)") {
      missing = .enabled
      rest.removeLast(3)
    } else if rest.hasSuffix("(-)") {
      missing = .disabled
      rest.removeLast(3)
    } else {
      missing = nil
    }
    guard NameRules.isFlag(rest) else { return nil }
    flag = String(rest)
    switch (prefix, suffix) {
    case ("-", "?"), ("-", "="): return nil
    case ("!", "?"): condition = .disabledUnlessParent
    case ("!", "="): condition = .oppositeOfParent
    case ("!", _): return nil
    case ("-", _): condition = .disabled
    case (_, "?"): condition = .enabledIfParent
    case (_, "="): condition = .sameAsParent
    default: condition = .enabled
    }
  }

  /// The text.
  public var description: String {
    let name = flag + (missing?.rawValue ?? "")
    return switch condition {
    case .enabled: name
    case .disabled: "-\(name)"
    case .enabledIfParent: "\(name)?"
    case .disabledUnlessParent: "!\(name)?"
    case .sameAsParent: "\(name)="
    case .oppositeOfParent: "!\(name)="
    }
  }
}
