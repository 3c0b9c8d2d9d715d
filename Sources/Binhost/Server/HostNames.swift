import Wire

/// The names that a browser may know this server by.
///
/// A page of any site can have its own name resolve to this machine's address (DNS rebinding), and
/// would then read answers as its own. Such a request still carries the site's name: only an IP
/// address, `localhost` and the names that the owner knows are answered.
public struct HostNames: Sendable, Equatable {
  private let names: Set<String>

  /// IP addresses, `localhost` and these names, in any case.
  public init(_ names: [String]) {
    self.names = Set(names.map { Self.plain($0.lowercased()) }).union(["localhost"])
  }

  /// Whether a `Host` field, with or without a port, names this server; a missing one does not.
  func allow(_ field: String?) -> Bool {
    guard let field, let host = Self.host(of: field.lowercased()) else { return false }
    return IPAddress(host) != nil || names.contains(Self.plain(host))
  }

  /// The part before the port, without the brackets of IPv6; nil for what is no host.
  private static func host(of field: String) -> String? {
    if field.first == "[" {
      guard let end = field.firstIndex(of: "]") else { return nil }
      let inner = String(field[field.index(after: field.startIndex)..<end])
      let rest = field[field.index(after: end)...]
      return isPort(rest) && inner.contains(":") ? inner : nil
    }
    guard let colon = field.firstIndex(of: ":") else { return field.isEmpty ? nil : field }
    return colon != field.startIndex && isPort(field[colon...]) ? String(field[..<colon]) : nil
  }

  private static func isPort(_ text: Substring) -> Bool {
    guard let first = text.first else { return true }
    return first == ":" && text.utf8.dropFirst().allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
  }

  /// Without the dot at the end of a full name.
  private static func plain(_ name: String) -> String {
    name.last == "." ? String(name.dropLast()) : name
  }
}
