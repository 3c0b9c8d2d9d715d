/// The `TIMESTAMP` line in the first bytes of an index.
enum IndexHeader {
  /// The bytes of the line's value; nil if the header has none.
  static func timestampRange(in bytes: [UInt8]) -> Range<Int>? {
    let name = Array("TIMESTAMP: ".utf8)
    var start = 0
    while start < bytes.count, bytes[start] != 0x0a {
      let end = bytes[start...].firstIndex(of: 0x0a) ?? bytes.count
      if bytes[start..<end].starts(with: name) { return start + name.count..<end }
      start = end + 1
    }
    return nil
  }

  /// Overwrites the value, so that two indices can be compared without it.
  static func clearTimestamp(in bytes: inout [UInt8]) {
    guard let range = timestampRange(in: bytes) else { return }
    for index in range { bytes[index] = UInt8(ascii: "0") }
  }

  /// The same bytes with another time.
  static func replacingTimestamp(in bytes: [UInt8], with timestamp: Int64) -> [UInt8] {
    guard let range = timestampRange(in: bytes) else { return bytes }
    var changed = bytes
    changed.replaceSubrange(range, with: Array(String(timestamp).utf8))
    return changed
  }
}
