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
    if text.contains(":") {
      guard let bytes = Self.parseIPv6(text) else { return nil }
      self.init(bytes: bytes)
    } else {
      guard let bytes = Self.parseIPv4(text) else { return nil }
      self.init(bytes: bytes)
    }
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

  private static func parseIPv4(_ text: String) -> [UInt8]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
      guard (1...3).contains(part.count), part.allSatisfy({ $0.isASCII && $0.isNumber }),
        part.count == 1 || part.first != "0", let byte = UInt8(part)
      else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  private static func parseIPv6(_ text: String) -> [UInt8]? {
    guard text.utf8.count <= 45 else { return nil }
    guard let gap = text.range(of: "::") else {
      guard let bytes = parseGroups(text[...]), bytes.count == 16 else { return nil }
      return bytes
    }
    guard let left = parseGroups(text[..<gap.lowerBound]),
      let right = parseGroups(text[gap.upperBound...]), left.count + right.count <= 14
    else { return nil }
    return left + [UInt8](repeating: 0, count: 16 - left.count - right.count) + right
  }

  private static func parseGroups(_ text: Substring) -> [UInt8]? {
    if text.isEmpty { return [] }
    var bytes: [UInt8] = []
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      if index == parts.count - 1, part.contains(".") {
        guard let tail = parseIPv4(String(part)) else { return nil }
        bytes += tail
      } else {
        guard (1...4).contains(part.count), part.allSatisfy(\.isHexDigit),
          let group = UInt16(part, radix: 16)
        else { return nil }
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
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
      port != 0
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

extension String {
  /// The first place where `other` stands; a plain search, since Foundation is not imported here.
  fileprivate func range(of other: String) -> Range<Index>? {
    var start = startIndex
    while start != endIndex {
      if self[start...].hasPrefix(other) {
        return start..<index(start, offsetBy: other.count)
      }
      start = index(after: start)
    }
    return nil
  }
}
