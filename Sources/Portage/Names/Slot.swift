/// A slot and its subslot, written `slot` or `slot/subslot` (PMS 9 §3.1.3, §7.2).
public struct Slot: Sendable, Hashable, CustomStringConvertible {
  /// Why a text is no slot.
  public enum ParseError: Error, Equatable, Sendable {
    /// A character that may not stand there, or an empty or overlong part.
    case malformed(String)
  }

  /// The slot.
  public let name: String
  /// The subslot as written; nil where none was given.
  public let subslot: String?

  /// Reads `slot` or `slot/subslot`, each part at most 255 bytes.
  public init(_ text: some StringProtocol) throws(ParseError) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.allSatisfy({ NameRules.isCategoryOrSlot($0) }), let first = parts.first else {
      throw .malformed(String(text.prefix(NameRules.longest)))
    }
    name = String(first)
    subslot = parts.count == 2 ? String(parts[1]) : nil
  }

  /// The subslot, which equals the slot where none is written (PMS 9 §7.2).
  public var effectiveSubslot: String { subslot ?? name }

  /// The text.
  public var description: String { subslot.map { "\(name)/\($0)" } ?? name }
}
