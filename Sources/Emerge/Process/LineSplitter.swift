/// Cuts a stream of bytes into lines, each bounded.
///
/// A carriage return ends a line too, so that progress bars come out as lines of their own.
struct LineSplitter {
  /// How many bytes of one line are kept; the rest of it is dropped.
  static let longest = 4_096

  private var current: [UInt8] = []

  /// The lines that these bytes finish; empty ones are left out.
  mutating func append(_ bytes: UnsafeRawBufferPointer) -> [String] {
    var lines: [String] = []
    for byte in bytes {
      if byte == 0x0A || byte == 0x0D {
        if let line = finish() { lines.append(line) }
      } else if current.count < Self.longest {
        current.append(byte)
      }
    }
    return lines
  }

  /// The line that has begun, if it has.
  mutating func finish() -> String? {
    guard !current.isEmpty else { return nil }
    defer { current.removeAll(keepingCapacity: true) }
    return String(decoding: current, as: UTF8.self)
  }
}
