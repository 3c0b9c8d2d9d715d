/// The character rules of names in Gentoo's Package Manager Specification (PMS 9 §3.1).
enum NameRules {
  /// The longest name, version or atom that is read; Linux allows 255 bytes in a file name.
  static let longest = 255

  static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  static func isLower(_ byte: UInt8) -> Bool { byte >= 0x61 && byte <= 0x7a }

  static func isAlphanumeric(_ byte: UInt8) -> Bool {
    isDigit(byte) || isLower(byte) || (byte >= 0x41 && byte <= 0x5a)
  }

  /// A letter, digit or underscore: what any name may begin with.
  static func isWord(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || byte == UInt8(ascii: "_") }

  /// Categories and slots (§3.1.1, §3.1.3): word characters, `+`, `.` and `-`, the first a word character.
  static func isCategoryOrSlot(_ text: some StringProtocol) -> Bool {
    check(text, first: isWord) { isWord($0) || isAny($0, "+.-") }
  }

  /// Package names (§3.1.2) without the rule about their end.
  static func isPackage(_ text: some StringProtocol) -> Bool {
    check(text, first: isWord) { isWord($0) || isAny($0, "+-") }
  }

  /// USE flags (§3.1.4): begin with a letter or digit.
  static func isFlag(_ text: some StringProtocol) -> Bool {
    check(text, first: isAlphanumeric) { isWord($0) || isAny($0, "+@-") }
  }

  /// Repository names (§3.1.5) without the rule about their end.
  static func isRepository(_ text: some StringProtocol) -> Bool {
    check(text, first: isWord) { isWord($0) || isAny($0, "-") }
  }

  static func isAny(_ byte: UInt8, _ set: StaticString) -> Bool {
    set.withUTF8Buffer { $0.contains(byte) }
  }

  /// The text before a hyphen and version at the end of `text`, if there is one.
  static func splitVersion(_ text: Substring) -> (name: Substring, version: Version)? {
    guard let hyphen = text.lastIndex(of: "-") else { return nil }
    let last = text[text.index(after: hyphen)...]
    if last.first == "r", last.dropFirst().utf8.allSatisfy(isDigit), last.utf8.count > 1,
      let before = text[..<hyphen].lastIndex(of: "-"),
      let version = try? Version(text[text.index(after: before)...])
    {
      return (text[..<before], version)
    }
    guard let version = try? Version(last) else { return nil }
    return (text[..<hyphen], version)
  }

  private static func check(
    _ text: some StringProtocol, first: (UInt8) -> Bool, rest: (UInt8) -> Bool
  ) -> Bool {
    guard let start = text.utf8.first, first(start), text.utf8.count <= longest else {
      return false
    }
    return text.utf8.allSatisfy(rest)
  }
}
