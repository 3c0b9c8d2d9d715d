extension IPAddress: CustomStringConvertible, LosslessStringConvertible {
  /// Dotted decimal, or RFC 5952's form for IPv6.
  public var description: String {
    switch self {
    case .v4(let value):
      return "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
    case .v6:
      return Self.text(groups)
    }
  }

  /// The address of this text: dotted decimal or IPv6 with an optional `::`; nil for anything else.
  public init?(_ text: String) {
    let characters = Array(text.utf8)
    let parse = characters.contains(UInt8(ascii: ":")) ? Self.parseIPv6 : Self.parseIPv4
    guard let bytes = parse(characters[...]) else { return nil }
    self.init(bytes: bytes)
  }

  private var groups: [UInt16] {
    let bytes = self.bytes
    return stride(from: 0, to: bytes.count, by: 2).map {
      UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
    }
  }

  private static func text(_ groups: [UInt16]) -> String {
    var best = 0..<0
    var start = 0
    while start < groups.count {
      var end = start
      while end < groups.count, groups[end] == 0 { end += 1 }
      if end - start > best.count, end - start > 1 { best = start..<end }
      start = max(end, start + 1)
    }
    let part = { (range: Range<Int>) in
      groups[range].map { String($0, radix: 16) }.joined(separator: ":")
    }
    if best.isEmpty { return part(0..<groups.count) }
    return part(0..<best.lowerBound) + "::" + part(best.upperBound..<groups.count)
  }

  // The parsers work on bytes: a `Character` may be any number of code points, and digits of other
  // scripts count as digits.

  private static func parseIPv4(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard text.count <= 15, parts.count == 4 else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
      guard let value = decimal(part), let byte = UInt8(exactly: value) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  private static func parseIPv6(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    guard text.count <= 45 else { return nil }
    let gap = text.indices.dropLast().first {
      text[$0] == UInt8(ascii: ":") && text[$0 + 1] == UInt8(ascii: ":")
    }
    guard let gap else {
      guard let bytes = parseGroups(text, mayEndInIPv4: true), bytes.count == 16 else { return nil }
      return bytes
    }
    guard let left = parseGroups(text[..<gap], mayEndInIPv4: false),
      let right = parseGroups(text[(gap + 2)...], mayEndInIPv4: true),
      left.count + right.count <= 14
    else { return nil }
    return left + [UInt8](repeating: 0, count: 16 - left.count - right.count) + right
  }

  private static func parseGroups(_ text: ArraySlice<UInt8>, mayEndInIPv4: Bool) -> [UInt8]? {
    if text.isEmpty { return [] }
    var bytes: [UInt8] = []
    let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      if mayEndInIPv4, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
        guard let tail = parseIPv4(part) else { return nil }
        bytes += tail
      } else {
        guard (1...4).contains(part.count) else { return nil }
        var group: UInt16 = 0
        for character in part {
          guard let digit = hexValue(character) else { return nil }
          group = group << 4 | UInt16(digit)
        }
        bytes += [UInt8(group >> 8), UInt8(group & 255)]
      }
    }
    return bytes
  }
}

extension Address: CustomStringConvertible, LosslessStringConvertible {
  /// `192.0.2.1:7782` or `[2001:db8::1]:7782`.
  public var description: String {
    switch ip {
    case .v4: "\(ip):\(port)"
    case .v6: "[\(ip)]:\(port)"
    }
  }

  /// The address of `IPv4:port` or `[IPv6]:port`; nil for anything else and for port 0.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"),
      let number = decimal(Array(text[text.index(after: colon)...].utf8)[...]),
      let port = UInt16(exactly: number), port != 0
    else { return nil }
    var host = text[..<colon]
    if host.first == "[", host.last == "]" {
      host = host.dropFirst().dropLast()
      guard host.contains(":") else { return nil }
    } else if host.contains(":") {
      return nil
    }
    guard let ip = IPAddress(String(host)) else { return nil }
    self.init(ip: ip, port: port)
  }
}

extension Address: Codable {
  /// Reads the printed form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Address(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\"\(text)\" is no IP address with a port")
    }
    self = value
  }

  /// Writes the printed form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// The number of one to five decimal digits without leading zeros.
private func decimal(_ text: ArraySlice<UInt8>) -> Int? {
  guard (1...5).contains(text.count), text.count == 1 || text.first != UInt8(ascii: "0") else {
    return nil
  }
  var value = 0
  for character in text {
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character) else { return nil }
    value = value * 10 + Int(character - UInt8(ascii: "0"))
  }
  return value
}
