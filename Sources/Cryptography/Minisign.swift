import Wire

/// The file formats of minisign 0.11, so that anyone can check Larder's keys and signatures with it.
public enum Minisign {
  /// Why a text is not a minisign file.
  public enum ParseError: Error, Equatable, Sendable {
    /// A line is missing; 1 is the first.
    case missingLine(Int)
    /// The line does not start with this comment.
    case missingComment(String, line: Int)
    /// Over 16 KiB.
    case tooLong
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
  ///
  /// minisign itself draws them at random; whoever checks a signature of ours with it uses the public
  /// key file that `publicKeyFile(_:)` writes.
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
    let lines = try Self.lines(text)
    let index = begins(lines.first, with: commentPrefix) ? 1 : 0
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
    let lines = try Self.lines(text)
    guard begins(lines.first, with: commentPrefix) else {
      throw .missingComment(commentPrefix, line: 1)
    }
    let bytes = try decode(lines, 1, count: 158)
    guard Array(bytes[0..<2]) == Array("Ed".utf8) else { throw .unknownAlgorithm(line: 2) }
    guard bytes[2] == 0, bytes[3] == 0 else { throw .encryptedKey }
    let id = Array(bytes[54..<62])
    let secret = Array(bytes[62..<126])
    // minisign leaves the checksum of a key without a password zero.
    let checksum = Array(bytes[126..<158])
    guard
      checksum.allSatisfy({ $0 == 0 })
        || BLAKE2b.hash(Array("Ed".utf8) + id + secret) == checksum,
      let key = SigningKey(seed: Array(secret[..<32])),
      key.publicKey.bytes.bytes == Array(secret[32...])
    else { throw .corruptKey }
    return key
  }

  /// The text of a detached signature over a file with this BLAKE2b-512 digest.
  ///
  /// `comment` is signed too; control characters in it, newlines above all, become spaces.
  public static func signatureFile(
    digest: [UInt8], by key: SigningKey, comment: String
  ) -> String {
    let signature = key.sign(raw: digest)
    let comment = oneLine(comment)
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
    let lines = try Self.lines(text)
    guard begins(lines.first, with: commentPrefix) else {
      throw .missingComment(commentPrefix, line: 1)
    }
    let bytes = try decode(lines, 1, count: 74)
    guard Array(bytes[0..<2]) == Array("ED".utf8) else { throw .unknownAlgorithm(line: 2) }
    let marker = "trusted comment: "
    guard lines.count > 2, begins(lines[2], with: marker) else {
      throw .missingComment(marker, line: 3)
    }
    let global = try decode(lines, 3, count: 64)
    let signature = Array(bytes[10...])
    return key.verify(raw: signature, of: digest)
      && key.verify(raw: global, of: signature + Array(lines[2].utf8.dropFirst(marker.utf8.count)))
  }

  private static let commentPrefix = "untrusted comment:"

  /// The lines as minisign reads them: up to each line feed, less a carriage return before it.
  private static func lines(_ text: String) throws(ParseError) -> [String] {
    guard text.utf8.count <= 16 << 10 else { throw .tooLong }
    let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return lines.map { line in
      let end = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      return String(decoding: end, as: UTF8.self)
    }
  }

  /// Whether a line has these first bytes; a comment may begin with what joins the character before.
  private static func begins(_ line: String?, with prefix: String) -> Bool {
    line?.utf8.starts(with: prefix.utf8) ?? false
  }

  private static func oneLine(_ comment: String) -> String {
    let bytes = comment.utf8.map { $0 < 32 || $0 == 127 ? UInt8(ascii: " ") : $0 }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func decode(
    _ lines: [String], _ index: Int, count: Int
  ) throws(ParseError) -> [UInt8] {
    guard index < lines.count, !lines[index].isEmpty else { throw .missingLine(index + 1) }
    guard let bytes = Base64.decode(lines[index]), bytes.count == count else {
      throw .malformed(line: index + 1, expectedBytes: count)
    }
    return bytes
  }
}
