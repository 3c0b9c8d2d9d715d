/// Checks the lines of one entry in a single pass over their bytes.
struct PrintedEntryReader {
  private(set) var facts = PrintedEntry.Facts()
  private var seen: Set<Field> = []

  /// The fields whose values have a form.
  private enum Field: Hashable {
    case cpv, path, size, buildTime, buildID, md5, sha1
  }

  /// Reads all lines; returns what is wrong with them.
  mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) -> PackagesEntry.ValidityError? {
    var start = 0
    while start < bytes.count {
      guard let colon = Self.endOfName(bytes, from: start) else {
        return .fieldName(Self.text(bytes, start, min(bytes.count, start + 128)))
      }
      let first = colon + 2
      guard let end = Self.endOfValue(bytes, from: first) else {
        return .value(field: Self.text(bytes, start, colon))
      }
      let name = UnsafeBufferPointer(rebasing: bytes[start..<colon])
      let value = UnsafeBufferPointer(rebasing: bytes[first..<end])
      if let problem = take(name, value) { return problem }
      start = end + 1
    }
    guard seen.contains(.cpv) else { return .cpv("") }
    guard seen.contains(.path) else { return .path("") }
    return nil
  }

  private mutating func take(
    _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>
  ) -> PackagesEntry.ValidityError? {
    guard let field = Self.field(name) else { return nil }
    guard seen.insert(field).inserted else { return .fieldName(Self.text(name, 0, name.count)) }
    switch field {
    case .cpv:
      facts.cpv = String(decoding: value, as: UTF8.self)
      if (try? CPV(facts.cpv)) == nil { return .cpv(facts.cpv) }
    case .path:
      facts.path = String(decoding: value, as: UTF8.self)
      if !PackagesEntry.isSafePath(facts.path) { return .path(facts.path) }
    case .size:
      facts.size = Self.number(value)
      if facts.size == nil { return .number(field: "SIZE") }
    case .buildTime:
      if Self.number(value) == nil { return .number(field: "BUILD_TIME") }
    case .buildID:
      if Self.number(value) == nil { return .number(field: "BUILD_ID") }
    case .md5:
      if !Self.isHexadecimal(value, 32) { return .number(field: "MD5") }
      facts.hasDigest = true
    case .sha1:
      if !Self.isHexadecimal(value, 40) { return .number(field: "SHA1") }
      facts.hasDigest = true
    }
    return nil
  }

  private static func field(_ name: UnsafeBufferPointer<UInt8>) -> Field? {
    // Most fields have another length or first letter than these.
    switch (name.count, name.first) {
    case (3, UInt8(ascii: "C")): return name.elementsEqual("CPV".utf8) ? .cpv : nil
    case (3, UInt8(ascii: "M")): return name.elementsEqual("MD5".utf8) ? .md5 : nil
    case (4, UInt8(ascii: "P")): return name.elementsEqual("PATH".utf8) ? .path : nil
    case (4, UInt8(ascii: "S")):
      if name.elementsEqual("SIZE".utf8) { return .size }
      return name.elementsEqual("SHA1".utf8) ? .sha1 : nil
    case (8, UInt8(ascii: "B")): return name.elementsEqual("BUILD_ID".utf8) ? .buildID : nil
    case (10, UInt8(ascii: "B")): return name.elementsEqual("BUILD_TIME".utf8) ? .buildTime : nil
    default: return nil
    }
  }

  /// Where a field's name ends, if it has the form of one and `: ` follows.
  private static func endOfName(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int? {
    var place = start
    while place < bytes.count, bytes[place] != UInt8(ascii: ":") {
      let byte = bytes[place]
      guard NameRules.isWord(byte) || NameRules.isAny(byte, "+.-@") else { return nil }
      place += 1
    }
    guard place > start, place - start <= 128, place + 1 < bytes.count else { return nil }
    return bytes[place + 1] == UInt8(ascii: " ") ? place : nil
  }

  /// Where a value ends with its line, if it is text that the format can carry.
  private static func endOfValue(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int? {
    var place = start
    var all: UInt8 = 0
    while place < bytes.count, bytes[place] >= 0x20, bytes[place] != 0x7f {
      all |= bytes[place]
      place += 1
    }
    guard place < bytes.count, bytes[place] == 0x0a,
      place - start <= PackagesEntry.longestValue
    else { return nil }
    if all >= 0x80, String(validating: bytes[start..<place], as: UTF8.self) == nil { return nil }
    return place
  }

  private static func number(_ value: UnsafeBufferPointer<UInt8>) -> Int64? {
    guard !value.isEmpty, value.count <= 18 else { return nil }
    var number: Int64 = 0
    for byte in value {
      guard NameRules.isDigit(byte) else { return nil }
      number = number * 10 + Int64(byte - UInt8(ascii: "0"))
    }
    return number
  }

  private static func isHexadecimal(_ value: UnsafeBufferPointer<UInt8>, _ length: Int) -> Bool {
    value.count == length
      && value.allSatisfy { NameRules.isDigit($0) || ($0 >= 0x61 && $0 <= 0x66) }
  }

  private static func text(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> String
  {
    String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
  }
}
