extension Sequence<UInt8> {
  /// Two lower-case hexadecimal digits a byte.
  public var hex: String {
    var text: [UInt8] = []
    text.reserveCapacity(underestimatedCount * 2)
    for byte in self {
      text.append(hexDigit(byte >> 4))
      text.append(hexDigit(byte & 15))
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension [UInt8] {
  /// The bytes of an even number of hexadecimal digits of either case; nil for anything else.
  public init?(hex: some StringProtocol) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(hex.utf8.count / 2)
    var high: UInt8?
    for character in hex.utf8 {
      guard let digit = hexValue(character) else { return nil }
      if let first = high {
        bytes.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    guard high == nil else { return nil }
    self = bytes
  }
}

private func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? 48 + value : 87 + value
}

/// The value of one hexadecimal digit of either case.
func hexValue(_ character: UInt8) -> UInt8? {
  switch character {
  case 48...57: character - 48
  case 65...70: character - 55
  case 97...102: character - 87
  default: nil
  }
}
