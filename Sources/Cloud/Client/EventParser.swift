import NIOCore

/// Reads server-sent events (WHATWG HTML §9.2) as far as the gateway uses them.
struct EventParser {
  struct Event: Equatable {
    var name: String
    var data: String
  }

  enum ParseError: Error, Equatable {
    case tooLong(limit: Int)
  }

  /// The longest event, in bytes: a whole log is around 200 KiB.
  static let longest = 1 << 20

  private var line: [UInt8] = []
  private var name = ""
  private var data: [String] = []
  private var size = 0

  /// The events that these bytes finish; comments are dropped.
  mutating func append(_ buffer: ByteBuffer) throws(ParseError) -> [Event] {
    var events: [Event] = []
    for byte in buffer.readableBytesView {
      guard byte == 0x0A else {
        size += 1
        guard size <= Self.longest else { throw .tooLong(limit: Self.longest) }
        line.append(byte)
        continue
      }
      if line.last == 0x0D { line.removeLast() }
      if line.isEmpty {
        if let event = finish() { events.append(event) }
      } else {
        take(String(decoding: line, as: UTF8.self))
      }
      line.removeAll(keepingCapacity: true)
    }
    return events
  }

  private mutating func take(_ text: String) {
    guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else { return }
    var value = text[text.index(after: colon)...]
    if value.first == " " { value.removeFirst() }
    switch text[..<colon] {
    case "event": name = String(value)
    case "data": data.append(String(value))
    default: break
    }
  }

  private mutating func finish() -> Event? {
    defer {
      name = ""
      data = []
      size = 0
    }
    guard !data.isEmpty else { return nil }
    return Event(name: name.isEmpty ? "message" : name, data: data.joined(separator: "\n"))
  }
}
