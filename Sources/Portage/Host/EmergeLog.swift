/// Portage's log of merges (`emerge.log`): one line per step, with Unix seconds.
public enum EmergeLog {
  /// What a line says.
  public enum Step: Sendable, Hashable {
    /// emerge took the package up.
    case started
    /// It is compiled from source.
    case compiling
    /// It is merged as built from source.
    case merging
    /// A binary of it is merged.
    case mergingBinary
    /// It is merged.
    case completed
    /// It was taken off.
    case unmerged
  }

  /// One line.
  public struct Event: Sendable, Hashable {
    /// Unix seconds.
    public let time: Int64
    /// What happened.
    public let step: Step
    /// To which package.
    public let cpv: CPV
    /// The root it is merged to, where the line names it.
    public let root: String?
  }

  /// The longest line that is read, in bytes; longer ones are passed over.
  public static let longestLine = 4096

  /// The event of one line, or nil where it is about something else.
  public static func event(_ line: some StringProtocol) -> Event? {
    guard line.utf8.count <= longestLine else { return nil }
    let line = Substring(line)
    guard let colon = line.firstIndex(of: ":"), let time = Int64(line[..<colon]), time >= 0 else {
      return nil
    }
    var words = line[line.index(after: colon)...].split(separator: " ")[...]
    guard let mark = words.popFirst() else { return nil }
    let event: (step: Step, cpv: Substring, root: String?)?
    switch mark {
    case ">>>": event = taken(words)
    case "===": event = step(words)
    case ":::": event = completed(words)
    default: return nil
    }
    guard let event, let cpv = try? CPV(event.cpv) else { return nil }
    return Event(time: time, step: event.step, cpv: cpv, root: event.root)
  }

  /// `emerge (1 of 5) CPV to ROOT`, or `unmerge success: CPV`.
  private static func taken(
    _ words: ArraySlice<Substring>
  ) -> (Step, Substring, String?)? {
    if words.starts(with: ["unmerge", "success:"]), let cpv = words.dropFirst(2).first {
      return (.unmerged, cpv, nil)
    }
    guard words.first == "emerge" else { return nil }
    return target(words.dropFirst(), .started)
  }

  /// `completed emerge (1 of 5) CPV to ROOT`.
  private static func completed(_ words: ArraySlice<Substring>) -> (Step, Substring, String?)? {
    guard words.starts(with: ["completed", "emerge"]) else { return nil }
    return target(words.dropFirst(2), .completed)
  }

  private static func target(
    _ words: ArraySlice<Substring>, _ step: Step
  ) -> (Step, Substring, String?)? {
    guard let rest = afterCount(words), let cpv = rest.first else { return nil }
    let root = rest.dropFirst()
    guard root.first == "to" else { return (step, cpv, nil) }
    return (step, cpv, root.dropFirst().joined(separator: " "))
  }

  /// `(1 of 5) Compiling/Packaging (CPV::FILE)` and its like.
  private static func step(_ words: ArraySlice<Substring>) -> (Step, Substring, String?)? {
    guard let rest = afterCount(words), let opening = rest.firstIndex(where: { $0.first == "(" })
    else { return nil }
    let step: Step
    switch rest[..<opening].joined(separator: " ") {
    case "Merging Binary": step = .mergingBinary
    case "Merging": step = .merging
    case let text where text.hasPrefix("Compiling/"): step = .compiling
    default: return nil
    }
    let inside = rest[opening].dropFirst()
    guard let end = inside.firstIndex(of: ":") else { return nil }
    return (step, inside[..<end], nil)
  }

  /// What follows `(1 of 5)`.
  private static func afterCount(_ words: ArraySlice<Substring>) -> ArraySlice<Substring>? {
    guard words.count > 3, words.first?.first == "(", words.dropFirst().first == "of",
      words.dropFirst(2).first?.last == ")"
    else { return nil }
    return words.dropFirst(3)
  }
}
