/// The text of binrepos.conf: INI sections, one per binary package repository.
public struct BinrepoConfiguration: Sendable, Hashable {
  /// Why a text is not understood; lines count from one.
  public enum ParseError: Error, Equatable, Sendable {
    /// Longer than the bound, in bytes.
    case tooLong(Int, limit: Int)
    /// Neither a section, a setting, a comment nor a continuation.
    case malformed(line: Int)
    /// A section that stood there before.
    case duplicateSection(String, line: Int)
    /// A setting that stood in the same section before.
    case duplicateSetting(String, line: Int)
  }

  /// One setting.
  public struct Setting: Sendable, Hashable {
    /// The name, lower-case as Python's reader makes it.
    public let name: String
    /// The value, continuation lines joined by line breaks.
    public var value: String

    /// Makes a setting.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// One section.
  public struct Section: Sendable, Hashable {
    /// The name between the brackets.
    public let name: String
    /// The settings, in their order.
    public internal(set) var settings: [Setting]

    /// The value of a setting.
    public subscript(_ name: String) -> String? { settings.first { $0.name == name }?.value }
  }

  /// The longest text that is read, in bytes.
  public static let longest = 1 << 20

  /// The sections, in their order.
  public private(set) var sections: [Section]

  /// Reads a text of at most 1 MiB.
  public init(_ text: String) throws(ParseError) {
    let count = text.utf8.count
    guard count <= Self.longest else { throw .tooLong(count, limit: Self.longest) }
    sections = try BinrepoParser.sections(Self.lines(of: text))
  }

  /// The section of a name.
  public func section(_ name: String) -> Section? { sections.first { $0.name == name } }

  private static func lines(of text: String) -> [Substring] {
    var lines: [Substring] = []
    var rest = text[...]
    while let end = rest.utf8.firstIndex(of: 0x0a) {
      let next = rest.utf8.index(after: end)
      lines.append(rest[..<next])
      rest = rest[next...]
    }
    if !rest.isEmpty { lines.append(rest) }
    return lines
  }
}
