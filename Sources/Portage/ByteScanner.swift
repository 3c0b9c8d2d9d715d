/// A cursor over bytes that never reads past their end.
struct ByteScanner {
  let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position >= bytes.count }

  var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func advance() { position = min(position + 1, bytes.count) }

  /// Passes `byte` if it is next.
  mutating func take(_ byte: UInt8) -> Bool {
    guard peek == byte else { return false }
    position += 1
    return true
  }

  /// Passes `text` if it is next.
  mutating func take(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    guard bytes.count - position >= length else { return false }
    let window = bytes[position..<position + length]
    guard text.withUTF8Buffer({ $0.elementsEqual(window) }) else { return false }
    position += length
    return true
  }

  /// The bytes up to the first that `isIn` refuses; may be empty.
  mutating func take(while isIn: (UInt8) -> Bool) -> ArraySlice<UInt8> {
    let start = position
    while position < bytes.count, isIn(bytes[position]) { position += 1 }
    return bytes[start..<position]
  }

  /// One digit or more.
  mutating func takeDigits() -> ArraySlice<UInt8>? {
    let digits = take(while: NameRules.isDigit)
    return digits.isEmpty ? nil : digits
  }
}
