import Cryptography
public import Wire

/// What a token's bearer may do.
public enum TokenRole: String, Sendable, Codable, CaseIterable {
  /// Ask for builds.
  case request
  /// Build.
  case worker
}

/// What a gateway keeps of a token: never the token itself.
public struct Token: Sendable, Equatable, Codable {
  /// What its owner calls it; unique in a table.
  public let name: String
  /// What it allows.
  public let role: TokenRole
  /// The keyed BLAKE2b-256 of the token's text.
  public let digest: Bytes32
  /// When it was made.
  public let created: Timestamp

  /// The longest name, in bytes.
  public static let longestName = 64

  /// A new token of 32 random bytes: its text, to be shown once, and what to keep.
  public static func create(
    name: String, role: TokenRole, now: Timestamp
  ) -> (text: String, token: Token) {
    let text = prefix + SecureRandom.bytes(32).hex
    return (text, Token(name: name, role: role, digest: digest(of: text), created: now))
  }

  /// What a token's text begins with, so that leaked ones are found.
  static let prefix = "larder_"

  static func digest(of text: String) -> Bytes32 {
    Bytes32(BLAKE2b.hash(Array(text.utf8.prefix(200)), key: Array("larder token 1".utf8))) ?? .zero
  }
}

/// All tokens of a gateway.
public struct TokenTable: Sendable, Equatable, Codable {
  /// The tokens, oldest first.
  public private(set) var tokens: [Token]

  /// A table of these tokens.
  public init(_ tokens: [Token] = []) {
    self.tokens = tokens
  }

  /// Why a token can't be added.
  public enum Refusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is one of this name.
    case taken(String)
    /// A name is 1 to 64 letters, digits, dots, hyphens and underscores.
    case badName(String)

    /// One line for the user.
    public var description: String {
      switch self {
      case .taken(let name): "there is a token called \(name) already"
      case .badName(let name):
        "\"\(name)\" is no name for a token: use letters, digits, dots, hyphens, underscores"
      }
    }
  }

  /// Adds a token.
  public mutating func add(_ token: Token) throws(Refusal) {
    let isGood = token.name.utf8.allSatisfy { byte in
      (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
        || byte == 0x2D || byte == 0x2E || byte == 0x5F
    }
    guard isGood, !token.name.isEmpty, token.name.utf8.count <= Token.longestName else {
      throw .badName(token.name)
    }
    guard !tokens.contains(where: { $0.name == token.name }) else { throw .taken(token.name) }
    tokens.append(token)
  }

  /// Removes the token of this name; false if there is none.
  public mutating func remove(_ name: String) -> Bool {
    let before = tokens.count
    tokens.removeAll { $0.name == name }
    return tokens.count < before
  }

  /// Whose token this text is; nil for nobody's. Takes the same time whichever matches.
  public func bearer(of text: String) -> Token? {
    let digest = Token.digest(of: text)
    var found: Token?
    for token in tokens {
      let difference = token.digest ^ digest
      let words = difference.words
      if words.0 | words.1 | words.2 | words.3 == 0 { found = token }
    }
    return found
  }
}
