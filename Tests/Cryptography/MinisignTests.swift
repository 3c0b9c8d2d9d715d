import Cryptography
import Foundation
import Testing
import Wire

/// Runs Debian's or Gentoo's `minisign` in a directory of its own.
private struct MinisignProgram {
  struct Absent: Error, CustomStringConvertible {
    let description =
      "no minisign in PATH; install it: apt-get install minisign (Gentoo: emerge app-crypt/minisign)"
  }

  let directory: URL

  init() throws {
    directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("minisign-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  }

  func remove() { try? FileManager.default.removeItem(at: directory) }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: directory.appendingPathComponent(name))
  }

  func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: directory.appendingPathComponent(name)), as: UTF8.self)
  }

  /// The exit status of `minisign` with these arguments.
  func run(_ arguments: String...) throws -> Int32 {
    let paths = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    guard
      let program = paths.map({ "\($0)/minisign" }).first(
        where: FileManager.default.isExecutableFile)
    else { throw Absent() }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = directory
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}

@Suite struct MinisignTests {
  let key = SigningKey.generate()
  let content = "five packages and a half\n"

  private var digest: [UInt8] { BLAKE2b.hash(Array(content.utf8), length: 64) }
  private var signature: String { Minisign.signatureFile(digest: digest, by: key, comment: "c") }

  @Test func minisignVerifiesOurSignature() throws {
    let program = try MinisignProgram()
    defer { program.remove() }
    try program.write(content, to: "file")
    try program.write(Minisign.publicKeyFile(key.publicKey), to: "key.pub")
    try program.write(
      Minisign.signatureFile(digest: digest, by: key, comment: "file:file"), to: "file.minisig")
    #expect(try program.run("-V", "-p", "key.pub", "-m", "file") == 0)
    try program.write(content + "!", to: "file")
    #expect(try program.run("-V", "-p", "key.pub", "-m", "file") != 0)
  }

  @Test func weVerifyItsSignatureAndReadItsKeys() throws {
    let program = try MinisignProgram()
    defer { program.remove() }
    try program.write(content, to: "file")
    #expect(try program.run("-G", "-W", "-f", "-p", "key.pub", "-s", "key.sec") == 0)
    #expect(try program.run("-S", "-s", "key.sec", "-m", "file", "-t", "made by minisign") == 0)
    let publicKey = try Minisign.parsePublicKey(try program.read("key.pub"))
    let secretKey = try Minisign.parseSecretKey(try program.read("key.sec"))
    #expect(secretKey.publicKey == publicKey)
    let text = try program.read("file.minisig")
    #expect(try Minisign.verify(text, digest: digest, by: publicKey))
    #expect(try !Minisign.verify(text, digest: digest, by: key.publicKey))
    let altered = text.replacingOccurrences(of: "made by minisign", with: "made by somebody")
    #expect(try !Minisign.verify(altered, digest: digest, by: publicKey))
  }

  @Test func minisignSignsWithOurSecretKey() throws {
    let program = try MinisignProgram()
    defer { program.remove() }
    try program.write(content, to: "file")
    try program.write(Minisign.publicKeyFile(key.publicKey), to: "key.pub")
    try program.write(Minisign.secretKeyFile(key), to: "key.sec")
    #expect(try program.run("-S", "-s", "key.sec", "-m", "file") == 0)
    #expect(try program.run("-V", "-p", "key.pub", "-m", "file") == 0)
    #expect(
      try Minisign.verify(try program.read("file.minisig"), digest: digest, by: key.publicKey))
  }

  @Test func keyFilesSurviveARoundTrip() throws {
    #expect(try Minisign.parsePublicKey(Minisign.publicKeyFile(key.publicKey)) == key.publicKey)
    #expect(try Minisign.parseSecretKey(Minisign.secretKeyFile(key)).seed == key.seed)
    let line = try #require(Minisign.publicKeyFile(key.publicKey).split(separator: "\n").last)
    #expect(try Minisign.parsePublicKey(String(line)) == key.publicKey)
  }

  @Test func linesMayEndAsOnWindows() throws {
    let file = Minisign.publicKeyFile(key.publicKey).replacingOccurrences(of: "\n", with: "\r\n")
    #expect(try Minisign.parsePublicKey(file) == key.publicKey)
    let text = signature.replacingOccurrences(of: "\n", with: "\r\n")
    #expect(try Minisign.verify(text, digest: digest, by: key.publicKey))
  }

  @Test func aCommentStaysOneLine() throws {
    let text = Minisign.signatureFile(digest: digest, by: key, comment: "a\nb\r\u{0}\u{2028}ü")
    #expect(text.utf8.split(separator: UInt8(ascii: "\n")).count == 4)
    #expect(text.contains("trusted comment: a b  \u{2028}ü\n"))
    #expect(try Minisign.verify(text, digest: digest, by: key.publicKey))
  }

  @Test func aCommentMayBeginWithACombiningMark() throws {
    let text = Minisign.signatureFile(digest: digest, by: key, comment: "\u{599}a")
    #expect(try Minisign.verify(text, digest: digest, by: key.publicKey))
  }

  @Test func theTrustedCommentIsSigned() throws {
    let other = Minisign.signatureFile(digest: digest, by: key, comment: "d")
    #expect(try Minisign.verify(other, digest: digest, by: key.publicKey))
    let swapped = signature.replacingOccurrences(of: "comment: c", with: "comment: d")
    #expect(try !Minisign.verify(swapped, digest: digest, by: key.publicKey))
    #expect(try !Minisign.verify(signature, digest: Array(digest.reversed()), by: key.publicKey))
  }

  @Test func errorsNameTheLine() throws {
    let lines = signature.split(separator: "\n").map(String.init)
    func verify(_ lines: [String]) throws -> Bool {
      try Minisign.verify(lines.joined(separator: "\n"), digest: digest, by: key.publicKey)
    }
    #expect(throws: Minisign.ParseError.missingComment("untrusted comment:", line: 1)) {
      try verify(Array(lines.dropFirst()))
    }
    #expect(throws: Minisign.ParseError.missingLine(2)) { try verify([lines[0]]) }
    #expect(throws: Minisign.ParseError.malformed(line: 2, expectedBytes: 74)) {
      try verify([lines[0], "AAAA", lines[2], lines[3]])
    }
    #expect(throws: Minisign.ParseError.malformed(line: 2, expectedBytes: 74)) {
      try verify([lines[0], lines[1] + "!", lines[2], lines[3]])
    }
    #expect(throws: Minisign.ParseError.missingComment("trusted comment: ", line: 3)) {
      try verify([lines[0], lines[1], "comment: c", lines[3]])
    }
    #expect(throws: Minisign.ParseError.missingLine(4)) { try verify(Array(lines.dropLast())) }
    #expect(throws: Minisign.ParseError.tooLong) {
      try verify(lines + [String(repeating: "x", count: 20_000)])
    }
  }

  @Test func damagedKeysAreNamed() throws {
    let comment = "untrusted comment: x\n"
    #expect(throws: Minisign.ParseError.missingLine(1)) { try Minisign.parsePublicKey("") }
    #expect(throws: Minisign.ParseError.missingLine(2)) { try Minisign.parsePublicKey(comment) }
    #expect(throws: Minisign.ParseError.malformed(line: 2, expectedBytes: 42)) {
      try Minisign.parsePublicKey(comment + "RWQ=")
    }
    let base64 = Data(Array("Xx".utf8) + [UInt8](repeating: 1, count: 40)).base64EncodedString()
    #expect(throws: Minisign.ParseError.unknownAlgorithm(line: 2)) {
      try Minisign.parsePublicKey(comment + base64)
    }
    let file = Minisign.secretKeyFile(key).split(separator: "\n").map(String.init)
    var bytes = Array(try #require(Data(base64Encoded: file[1])))
    bytes[80] ^= 1
    #expect(throws: Minisign.ParseError.corruptKey) {
      try Minisign.parseSecretKey(comment + Data(bytes).base64EncodedString())
    }
    bytes[2] = UInt8(ascii: "S")
    bytes[3] = UInt8(ascii: "c")
    #expect(throws: Minisign.ParseError.encryptedKey) {
      try Minisign.parseSecretKey(comment + Data(bytes).base64EncodedString())
    }
    #expect(throws: Minisign.ParseError.missingComment("untrusted comment:", line: 1)) {
      try Minisign.parseSecretKey(file[1])
    }
  }
}
