import Wire

/// The file formats of minisign 0.11, so that anyone can check Larder's keys and signatures with it.
public enum Minisign {
  /// Why a text is not a minisign file.
  public enum ParseError: Error, Equatable, Sendable {
    /// A line is missing; 1 is the first.
    case missingLine(Int)
    /// The line does not start with this comment.
    case missingComment(String, line: Int)
    /// The line is not base64 of that many bytes.
    case malformed(line: Int, expectedBytes: Int)
    /// Another algorithm than Ed25519.
    case unknownAlgorithm(line: Int)
    /// A secret key under a password: Larder's keys have none, file permissions protect them.
    case encryptedKey
    /// The secret key's checksum or its public half is wrong.
    case corruptKey
  }

  /// The eight bytes that name a key in signatures: the first of its BLAKE2b digest.
  public static func keyID(of key: PublicKey) -> [UInt8] {
    Array(BLAKE2b.hash(key.bytes.bytes).prefix(8))
  }

  /// The text of a public key file.
  public static func publicKeyFile(_ key: PublicKey) -> String {
    let id = keyID(of: key)
    let name = id.reversed().hex.uppercased()
    return """
      untrusted comment: minisign public key \(name)
      \(Base64.encode(Array("Ed".utf8) + id + key.bytes.bytes))

      """
  }

  /// The key in the text of a public key file, or in its base64 line alone.
  public static func parsePublicKey(_ text: String) throws(ParseError) -> PublicKey {
    let lines = Self.lines(text)
    let index = lines.first?.hasPrefix(commentPrefix) == true ? 1 : 0
    let bytes = try decode(lines, index, count: 42)
    guard Array(bytes[0..<2]) == Array("Ed".utf8) else {
      throw .unknownAlgorithm(line: index + 1)
    }
    guard let key = PublicKey(bytes[10..<42]) else {
      throw .malformed(line: index + 1, expectedBytes: 42)
    }
    return key
  }

  /// The text of a secret key file without a password.
  public static func secretKeyFile(_ key: SigningKey) -> String {
    let id = keyID(of: key.publicKey)
    let secret = key.seed + key.publicKey.bytes.bytes
    let checksum = BLAKE2b.hash(Array("Ed".utf8) + id + secret)
    let head = Array("Ed".utf8) + [0, 0] + Array("B2".utf8) + [UInt8](repeating: 0, count: 48)
    return """
      untrusted comment: minisign secret key
      \(Base64.encode(head + id + secret + checksum))

      """
  }

  /// The key in the text of a secret key file without a password.
  public static func parseSecretKey(_ text: String) throws(ParseError) -> SigningKey {
    let lines = Self.lines(text)
    guard lines.first?.hasPrefix(commentPrefix) == true else {
      throw .missingComment(commentPrefix, line: 1)
    }
    let bytes = try decode(lines, 1, count: 158)
    guard Array(bytes[0..<2]) == Array("Ed".utf8) else { throw .unknownAlgorithm(line: 2) }
    guard bytes[2] == 0, bytes[3] == 0 else { throw .encryptedKey }
    let id = Array(bytes[54..<62])
    let secret = Array(bytes[62..<126])
    guard BLAKE2b.hash(Array("Ed".utf8) + id + secret) == Array(bytes[126..<158]),
      let key = SigningKey(seed: Array(secret[..<32])),
      key.publicKey.bytes.bytes == Array(secret[32...])
    else { throw .corruptKey }
    return key
  }

  /// The text of a detached signature over a file with this BLAKE2b-512 digest.
  ///
  /// `comment` is signed too; it must be one line.
  public static func signatureFile(
    digest: [UInt8], by key: SigningKey, comment: String
  ) -> String {
    let signature = key.sign(raw: digest)
    let global = key.sign(raw: signature + Array(comment.utf8))
    let line = Array("ED".utf8) + keyID(of: key.publicKey) + signature
    return """
      untrusted comment: signature from larder
      \(Base64.encode(line))
      trusted comment: \(comment)
      \(Base64.encode(global))

      """
  }

  /// Whether the text of a detached signature is this key's over a file with this BLAKE2b-512
  /// digest, its trusted comment included.
  public static func verify(
    _ text: String, digest: [UInt8], by key: PublicKey
  ) throws(ParseError) -> Bool {
    let lines = Self.lines(text)
    let bytes = try decode(lines, 1, count: 74)
    guard Array(bytes[0..<2]) == Array("ED".utf8) else { throw .unknownAlgorithm(line: 2) }
    let marker = "trusted comment: "
    guard lines.count > 2, lines[2].hasPrefix(marker) else {
      throw .missingComment(marker, line: 3)
    }
    let global = try decode(lines, 3, count: 64)
    let signature = Array(bytes[10...])
    return key.verify(raw: signature, of: digest)
      && key.verify(raw: global, of: signature + Array(lines[2].dropFirst(marker.count).utf8))
  }

  private static let commentPrefix = "untrusted comment:"

  private static func lines(_ text: String) -> [Substring] {
    text.prefix(4_096).split(separator: "\n", omittingEmptySubsequences: true)
  }

  private static func decode(
    _ lines: [Substring], _ index: Int, count: Int
  ) throws(ParseError) -> [UInt8] {
    guard index < lines.count else { throw .missingLine(index + 1) }
    guard let bytes = Base64.decode(lines[index]), bytes.count == count else {
      throw .malformed(line: index + 1, expectedBytes: count)
    }
    return bytes
  }
}
