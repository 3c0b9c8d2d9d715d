import Portage

/// What looks like a secret or tells who built a package: token-like variables, keys, home directories,
/// the host's name.
struct SecretPatterns {
  private let hostName: String

  private static let tokenWords = [
    "token", "secret", "password", "passwd", "passphrase", "api_key", "apikey", "access_key",
    "accesskey", "private_key", "privatekey", "credential", "cookie",
  ]
  private static let tokenStarts = [
    "ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "xoxa-", "xoxb-", "xoxp-", "AKIA",
  ]
  private static let dullHosts: Set<String> = [
    "localhost", "gentoo", "debian", "livecd", "archiso", "linux", "host", "builder",
  ]

  init(hostName: String) {
    let short = String(hostName.prefix { $0 != "." })
    let isTelling = short.count >= 4 && !Self.dullHosts.contains(short.lowercased())
    self.hostName = isTelling ? short : ""
  }

  /// The secrets in the variables of an environment and in metadata, a line each.
  func found(in environment: BashEnvironment, _ metadata: GpkgMetadata) -> [String] {
    var found: [String] = []
    for variable in environment.variables {
      let value = Self.text(of: variable.value)
      let name = variable.name.lowercased()
      let isToken = !value.isEmpty && Self.tokenWords.contains { name.contains($0) }
      if isToken || isSecret(value) { found.append("environment: \(variable.name)") }
    }
    for name in metadata.files.keys.sorted() {
      guard name != "environment.bz2", !name.hasSuffix(".ebuild"), let value = metadata[name]
      else { continue }
      if isSecret(value) { found.append("metadata: \(name)") }
    }
    return found
  }

  /// The part of a path that tells who built the package, or nil.
  func secret(inPath path: String) -> String? {
    if let home = home(in: path) { return home }
    return names(hostName, in: path) ? path : nil
  }

  private func isSecret(_ value: String) -> Bool {
    if value.contains("PRIVATE KEY-----") || home(in: value) != nil { return true }
    if names(hostName, in: value) || hasPassword(value) { return true }
    for word in value.split(whereSeparator: { !Self.isWord($0) && $0 != "-" }) {
      for start in Self.tokenStarts where word.hasPrefix(start) && word.utf8.count >= 20 {
        return true
      }
    }
    return false
  }

  /// `/home/NAME` or `/root/` at the start of a path.
  private func home(in text: String) -> String? {
    for (start, needsName) in [("/home/", true), ("/root/", false)] {
      var rest = text[...]
      while let range = rest.firstRange(of: start) {
        let before =
          range.lowerBound == text.startIndex ? nil : text[text.index(before: range.lowerBound)]
        let name = rest[range.upperBound...].prefix { Self.isWord($0) || $0 == "." || $0 == "-" }
        let isStart = before.map { !Self.isWord($0) && $0 != "." && $0 != "-" } ?? true
        if isStart, !needsName || !name.isEmpty { return start + name }
        rest = rest[range.upperBound...]
      }
    }
    return nil
  }

  /// A URL with a user's name and password.
  private func hasPassword(_ text: String) -> Bool {
    for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      guard let range = word.firstRange(of: "://") else { continue }
      let authority = word[range.upperBound...].prefix { $0 != "/" }
      guard let at = authority.firstIndex(of: "@") else { continue }
      if authority[..<at].contains(":") { return true }
    }
    return false
  }

  private func names(_ name: String, in text: String) -> Bool {
    guard !name.isEmpty else { return false }
    return text.split { !Self.isWord($0) && $0 != "-" }.contains { $0 == name }
  }

  private static func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }

  private static func text(of value: BashEnvironment.Value) -> String {
    switch value {
    case .unset: return ""
    case .scalar(let bytes): return String(decoding: bytes, as: UTF8.self)
    case .array(let elements):
      var words: [String] = []
      for element in elements { words.append(String(decoding: element.value, as: UTF8.self)) }
      return words.joined(separator: " ")
    }
  }
}
