/// Bytes of an ELF file with its width and byte order; every read is checked.
struct ELFBytes {
  let bytes: [UInt8]
  let is64: Bool
  let isBigEndian: Bool

  var count: UInt64 { UInt64(bytes.count) }

  /// A whole number of `width` bytes at `offset`, or nil beyond the end.
  func number(_ offset: UInt64, _ width: UInt64) -> UInt64? {
    let (end, overflow) = offset.addingReportingOverflow(width)
    guard !overflow, end <= count else { return nil }
    var value: UInt64 = 0
    for step in 0..<width {
      let place = isBigEndian ? offset + step : end - 1 - step
      value = value << 8 | UInt64(bytes[Int(place)])
    }
    return value
  }

  /// A number of 2 bytes.
  func half(_ offset: UInt64) -> UInt64? { number(offset, 2) }

  /// A number of 4 bytes.
  func word(_ offset: UInt64) -> UInt64? { number(offset, 4) }

  /// An address, offset or size: 8 bytes, or 4 in a 32-bit file.
  func address(_ offset: UInt64) -> UInt64? { number(offset, is64 ? 8 : 4) }

  /// The text up to a NUL, of at most 4,096 bytes.
  func text(_ offset: UInt64) -> String? {
    guard offset < count else { return nil }
    let window = bytes[Int(offset)...].prefix(4096)
    guard let end = window.firstIndex(of: 0) else { return nil }
    return String(validating: window[..<end], as: UTF8.self)
  }
}

extension UInt64 {
  /// The sum, or nil where it overflows.
  func plus(_ other: UInt64) -> UInt64? {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? nil : sum
  }

  /// The product, or nil where it overflows.
  func times(_ other: UInt64) -> UInt64? {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? nil : product
  }
}
