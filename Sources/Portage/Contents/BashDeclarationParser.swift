/// Reads the declarations at the start of what bash's `declare -p` printed.
struct BashDeclarationParser {
  private var scanner: ByteScanner

  init(_ bytes: [UInt8]) { scanner = ByteScanner(bytes) }

  /// Every declaration up to the first line that is none.
  mutating func variables() -> [BashEnvironment.Variable] {
    var found: [BashEnvironment.Variable] = []
    while let variable = variable() { found.append(variable) }
    return found
  }

  private mutating func variable() -> BashEnvironment.Variable? {
    let start = scanner.position
    guard !scanner.isAtEnd, let attributes = attributes() else { return nil }
    let isDeclared = scanner.position > start
    guard let first = scanner.peek, NameRules.isWord(first), !NameRules.isDigit(first) else {
      return nil
    }
    let name = String(decoding: scanner.take(while: NameRules.isWord), as: UTF8.self)
    guard let value = value(isAssociative: attributes.contains("A")) else { return nil }
    // A lone word is a command, not a declaration.
    guard isDeclared || value != .unset, scanner.isAtEnd || scanner.take(0x0a) else { return nil }
    return BashEnvironment.Variable(
      name: name, attributes: attributes, value: value, range: start..<scanner.position)
  }

  /// Passes `declare -x ` and its like; empty where a bare assignment follows.
  ///
  /// Integers and name references are no plain variables: bash evaluates their values, which can
  /// run commands.
  private mutating func attributes() -> String? {
    if scanner.take("export ") { return "x" }
    guard scanner.take("declare ") else { return "" }
    if scanner.take("-- ") { return "" }
    guard scanner.take(UInt8(ascii: "-")) else { return "" }
    let letters = scanner.take { NameRules.isAny($0, "aAxrltuc") }
    guard !letters.isEmpty, scanner.take(UInt8(ascii: " ")) else { return nil }
    return String(decoding: letters, as: UTF8.self)
  }

  private mutating func value(isAssociative: Bool) -> BashEnvironment.Value? {
    guard scanner.take(UInt8(ascii: "=")) else { return .unset }
    guard scanner.take(UInt8(ascii: "(")) else { return scalar().map { .scalar($0) } }
    var elements: [BashEnvironment.Element] = []
    while true {
      while scanner.take(UInt8(ascii: " ")) {}
      if scanner.take(UInt8(ascii: ")")) { return .array(elements) }
      guard scanner.take(UInt8(ascii: "[")), let key = key(isAssociative: isAssociative),
        scanner.take("]="), let value = scalar()
      else { return nil }
      elements.append(BashEnvironment.Element(key: key, value: value))
    }
  }

  /// The text between the brackets of an element.
  ///
  /// An index must be a plain number, since bash evaluates any other as arithmetic.
  private mutating func key(isAssociative: Bool) -> String? {
    guard isAssociative else {
      return scanner.takeDigits().map { String(decoding: $0, as: UTF8.self) }
    }
    if let next = scanner.peek, NameRules.isAny(next, "\"$'") {
      return scalar().map { String(decoding: $0, as: UTF8.self) }
    }
    let bare = scanner.take(while: Self.isBare)
    return bare.isEmpty ? nil : String(decoding: bare, as: UTF8.self)
  }

  /// A quoted or bare word without anything that bash would expand.
  private mutating func scalar() -> [UInt8]? {
    if scanner.take(UInt8(ascii: "\"")) { return doubleQuoted() }
    if scanner.take("$'") { return escaped() }
    if scanner.take(UInt8(ascii: "'")) {
      let inside = scanner.take { $0 != UInt8(ascii: "'") }
      return scanner.take(UInt8(ascii: "'")) ? Array(inside) : nil
    }
    return Array(scanner.take(while: Self.isBare))
  }

  private static func isBare(_ byte: UInt8) -> Bool {
    NameRules.isWord(byte) || NameRules.isAny(byte, "./:,@%+=-")
  }

  /// In double quotes bash itself escapes `"`, `\`, `$` and backticks; bare ones would expand.
  private mutating func doubleQuoted() -> [UInt8]? {
    var result: [UInt8] = []
    while let byte = scanner.peek {
      scanner.advance()
      switch byte {
      case UInt8(ascii: "\""): return result
      case UInt8(ascii: "$"), UInt8(ascii: "`"): return nil
      case UInt8(ascii: "\\"):
        guard let next = scanner.peek else { return nil }
        scanner.advance()
        if !NameRules.isAny(next, "\"\\$`") { result.append(byte) }
        result.append(next)
      default: result.append(byte)
      }
    }
    return nil
  }

  /// The form `$'…'`, which bash prints where there are control characters.
  private mutating func escaped() -> [UInt8]? {
    var result: [UInt8] = []
    while let byte = scanner.peek {
      scanner.advance()
      if byte == UInt8(ascii: "'") { return result }
      guard byte == UInt8(ascii: "\\") else {
        result.append(byte)
        continue
      }
      guard let next = scanner.peek else { return nil }
      scanner.advance()
      result.append(unescaped(next))
    }
    return nil
  }

  private mutating func unescaped(_ letter: UInt8) -> UInt8 {
    switch letter {
    case UInt8(ascii: "n"): return 0x0a
    case UInt8(ascii: "t"): return 0x09
    case UInt8(ascii: "r"): return 0x0d
    case UInt8(ascii: "a"): return 0x07
    case UInt8(ascii: "b"): return 0x08
    case UInt8(ascii: "f"): return 0x0c
    case UInt8(ascii: "v"): return 0x0b
    case UInt8(ascii: "E"), UInt8(ascii: "e"): return 0x1b
    case 0x30...0x37:
      var value = Int(letter) - 0x30
      for _ in 0..<2 {
        guard let digit = scanner.peek, (0x30...0x37).contains(digit) else { break }
        scanner.advance()
        value = value * 8 + Int(digit) - 0x30
      }
      return UInt8(truncatingIfNeeded: value)
    default: return letter
    }
  }
}
