/// Cuts an index into blocks of `NAME: value` lines.
struct PackagesReader {
  private let bytes: [UInt8]
  private let limits: PackagesIndex.Limits
  private var position = 0
  private var line = 0

  init(_ bytes: [UInt8], limits: PackagesIndex.Limits) {
    self.bytes = bytes
    self.limits = limits
  }

  /// The fields up to the next empty line; nil at the end. Runs of empty lines count as one.
  mutating func nextBlock() throws(PackagesIndex.ParseError) -> [String: String]? {
    var fields: [String: String] = [:]
    while let text = try nextLine() {
      if text.isEmpty {
        if fields.isEmpty { continue }
        return fields
      }
      guard let colon = text.firstIndex(of: UInt8(ascii: ":")),
        let name = String(validating: text[..<colon], as: UTF8.self)
      else { throw .malformed(line: line) }
      var value = text[text.index(after: colon)...]
      if value.first == UInt8(ascii: " ") { value.removeFirst() }
      guard let value = String(validating: value, as: UTF8.self) else {
        throw .malformed(line: line)
      }
      fields[name] = value
      guard fields.count <= limits.fields else {
        throw .tooManyFields(line: line, limit: limits.fields)
      }
    }
    return fields.isEmpty ? nil : fields
  }

  private mutating func nextLine() throws(PackagesIndex.ParseError) -> ArraySlice<UInt8>? {
    guard position < bytes.count else { return nil }
    line += 1
    let rest = bytes[position...]
    let end = rest.firstIndex(of: 0x0a) ?? bytes.count
    guard end - position <= limits.line else {
      throw .lineTooLong(line: line, limit: limits.line)
    }
    defer { position = end + 1 }
    return bytes[position..<end]
  }
}
