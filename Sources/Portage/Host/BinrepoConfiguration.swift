/// The text of binrepos.conf: INI sections, one per binary package repository.
///
/// Adding and removing a section leaves everything else as it is, byte for byte.
public struct BinrepoConfiguration: Sendable, Hashable, CustomStringConvertible {
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

  /// Why a section is not added.
  public enum EditError: Error, Equatable, Sendable {
    /// There is one of that name.
    case exists(String)
    /// The name, a setting's name or its value can't stand in such a file.
    case invalid(String)
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
    /// The lines from its header to its last setting, from zero.
    var lines: Range<Int>

    /// The value of a setting.
    public subscript(_ name: String) -> String? { settings.first { $0.name == name }?.value }
  }

  /// The longest text that is read, in bytes.
  public static let longest = 1 << 20

  /// The lines with their ends.
  private var lines: [Substring]
  /// The sections, in their order.
  public private(set) var sections: [Section]

  /// Reads a text of at most 1 MiB.
  public init(_ text: String) throws(ParseError) {
    let count = text.utf8.count
    guard count <= Self.longest else { throw .tooLong(count, limit: Self.longest) }
    lines = Self.cut(text)
    sections = try BinrepoParser.sections(lines)
  }

  /// The text.
  public var description: String { lines.joined() }

  /// The section of a name.
  public func section(_ name: String) -> Section? { sections.first { $0.name == name } }

  /// The text with a section added at its end, after an empty line.
  public func adding(
    _ name: String, _ settings: [Setting]
  ) throws(EditError) -> BinrepoConfiguration {
    guard section(name) == nil else { throw .exists(name) }
    guard Self.isName(name) else { throw .invalid(name) }
    var text = description
    if !text.isEmpty { text += text.utf8.last == 0x0a ? "\n" : "\n\n" }
    text += "[\(name)]\n"
    for setting in settings {
      guard Self.isSettingName(setting.name), Self.isValue(setting.value) else {
        throw .invalid(setting.name)
      }
      text += "\(setting.name) = \(setting.value)\n"
    }
    do {
      return try BinrepoConfiguration(text)
    } catch {
      throw .invalid(name)
    }
  }

  /// The text without a section and the empty line before it; the same where there is none.
  ///
  /// Comments after the section's last setting stay.
  public func removing(_ name: String) -> BinrepoConfiguration {
    guard let section = section(name) else { return self }
    var kept = lines
    var range = section.lines
    if range.lowerBound > 0, Self.isBlank(kept[range.lowerBound - 1]) {
      range = range.lowerBound - 1..<range.upperBound
    }
    kept.removeSubrange(range)
    let text = kept.joined()
    return (try? BinrepoConfiguration(text)) ?? self
  }

  static func isBlank(_ line: Substring) -> Bool {
    line.utf8.allSatisfy { $0 == 0x20 || ($0 >= 0x09 && $0 <= 0x0d) }
  }

  private static func cut(_ text: String) -> [Substring] {
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

  private static func isName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.allSatisfy { NameRules.isWord($0) || NameRules.isAny($0, "+.-") }
  }

  private static func isSettingName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.allSatisfy { NameRules.isLower($0) || NameRules.isAny($0, "-_") }
  }

  private static func isValue(_ value: String) -> Bool {
    let edges = value.utf8.first == 0x20 || value.utf8.last == 0x20
    return !value.isEmpty && !edges && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
  }
}
