/// What follows the colon of an atom (PMS 9 §8.3.3).
public enum SlotDependency: Sendable, Hashable, CustomStringConvertible {
  /// `:*`: any slot, and a change of it breaks nothing.
  case any
  /// `:=`: any slot, and a change of slot or subslot wants a rebuild.
  case anyRebuilding
  /// `:slot` or `:slot/subslot`.
  case exactly(Slot)
  /// `:slot=`; with a subslot, `:slot/subslot=`, as Portage writes it once bound.
  case exactlyRebuilding(Slot)

  init?(_ text: Substring) {
    switch text {
    case "*": self = .any
    case "=": self = .anyRebuilding
    default:
      let rebuilding = text.last == "="
      guard let slot = try? Slot(rebuilding ? text.dropLast() : text) else { return nil }
      self = rebuilding ? .exactlyRebuilding(slot) : .exactly(slot)
    }
  }

  /// The slot named, if one is.
  public var slot: Slot? {
    switch self {
    case .any, .anyRebuilding: nil
    case .exactly(let slot), .exactlyRebuilding(let slot): slot
    }
  }

  /// The text after the colon.
  public var description: String {
    switch self {
    case .any: "*"
    case .anyRebuilding: "="
    case .exactly(let slot): slot.description
    case .exactlyRebuilding(let slot): "\(slot)="
    }
  }
}
