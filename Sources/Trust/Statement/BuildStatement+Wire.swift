import Cryptography
import FoundationEssentials
import Wire

extension BuildStatement {
  static let version: UInt32 = 1

  /// The encoded body.
  var encodedBody: [UInt8] {
    var body = Larder_BuildStatementBody()
    body.version = Self.version
    body.fingerprint = .init(fingerprint.bytes.bytes)
    body.contentRoot = .init(root.bytes.bytes)
    body.sequence = sequence
    body.created = created.seconds
    body.expires = expires.seconds
    body.withdrawn = isWithdrawn
    if !isWithdrawn {
      body.size = size
      body.md5 = .init(md5)
      body.sha1 = .init(sha1)
      body.agreement = .init(agreement.bytes)
      body.judged = judged.message
      body.buildTime = buildTime.seconds
    }
    return ProtobufCodec.encode(body)
  }

  /// The statement of an encoded body; every field's form is checked, times are not.
  init(body bytes: [UInt8]) throws(StatementError) {
    guard
      let body = try? ProtobufCodec.decode(
        Larder_BuildStatementBody.self, from: bytes, limit: Limits.record)
    else { throw .malformed(field: "body") }
    guard body.version == Self.version else { throw .unknownVersion(body.version) }
    guard let fingerprint = Bytes32(body.fingerprint) else {
      throw .malformed(field: "fingerprint")
    }
    guard let root = Bytes32(body.contentRoot) else { throw .malformed(field: "content root") }
    guard body.expires > body.created, body.created >= 0 else {
      throw .malformed(field: "times")
    }
    if body.withdrawn {
      self.init(
        fingerprint: Fingerprint(fingerprint), root: ContentRoot(root), size: 0, md5: [], sha1: [],
        agreement: .zero, judged: JudgedFacts(), buildTime: Timestamp(0), sequence: body.sequence,
        created: Timestamp(body.created), expires: Timestamp(body.expires))
      isWithdrawn = true
      return
    }
    guard (1...Limits.blob).contains(body.size) else { throw .malformed(field: "size") }
    guard body.md5.count == 16 else { throw .malformed(field: "MD5") }
    guard body.sha1.count == 20 else { throw .malformed(field: "SHA-1") }
    guard let agreement = Bytes32(body.agreement) else {
      throw .malformed(field: "agreement digest")
    }
    guard body.buildTime >= 0,
      Timestamp(body.buildTime) <= Timestamp(body.created) + Limits.clockSkew
    else { throw .malformed(field: "build time") }
    self.init(
      fingerprint: Fingerprint(fingerprint), root: ContentRoot(root), size: body.size,
      md5: [UInt8](body.md5), sha1: [UInt8](body.sha1), agreement: agreement,
      judged: try JudgedFacts(message: body.judged), buildTime: Timestamp(body.buildTime),
      sequence: body.sequence, created: Timestamp(body.created),
      expires: Timestamp(body.expires))
  }
}

extension JudgedFacts {
  /// The facts as the statement's body carries them.
  var message: Larder_JudgedFacts {
    var message = Larder_JudgedFacts()
    message.march = march
    message.cpuLevel = UInt32(level?.number ?? 0)
    message.cpuFeatures = .init(features.bitSet)
    message.flags = .init(flags)
    message.compiler = compiler.name
    message.compilerVersion = compiler.version
    message.recipeEbuild = .init(recipe.ebuild)
    message.recipeNormalized = .init(recipe.normalized)
    message.recipeExact = .init(recipe.exact)
    message.contentFeatures = contentFeatures.rawValue
    message.libcPackage = libc?.package ?? ""
    message.libcVersion = libc?.version ?? ""
    message.symbols = symbols
    message.boundToCompiler = isBoundToCompiler
    return message
  }

  init(message: Larder_JudgedFacts) throws(StatementError) {
    self.init()
    let words = [
      (message.march, "march"), (message.compiler, "compiler"),
      (message.compilerVersion, "compiler version"), (message.libcPackage, "libc package"),
      (message.libcVersion, "libc version"),
    ]
    for (word, field) in words { try Self.check(word, field) }
    march = message.march
    if message.cpuLevel != 0 {
      guard message.cpuLevel <= 4, let level = CPULevel(number: Int(message.cpuLevel)) else {
        throw .malformed(field: "CPU level")
      }
      self.level = level
    }
    guard let features = CPUFeatures(bitSet: [UInt8](message.cpuFeatures)) else {
      throw .malformed(field: "CPU features")
    }
    self.features = features
    flags = try Self.short([UInt8](message.flags), "flags")
    compiler = PackageFacts.Compiler(name: message.compiler, version: message.compilerVersion)
    recipe = RecipeDigests(
      ebuild: try Self.short([UInt8](message.recipeEbuild), "ebuild digest"),
      normalized: try Self.short([UInt8](message.recipeNormalized), "normalised ebuild digest"),
      exact: try Self.short([UInt8](message.recipeExact), "recipe digest"))
    contentFeatures = ContentFeatures(rawValue: message.contentFeatures)
    guard message.libcPackage.isEmpty == message.libcVersion.isEmpty else {
      throw .malformed(field: "libc version")
    }
    if !message.libcPackage.isEmpty {
      libc = HostFacts.Libc(package: message.libcPackage, version: message.libcVersion)
    }
    guard message.symbols.count <= Self.mostSymbols else { throw .malformed(field: "symbols") }
    for symbol in message.symbols { try Self.check(symbol, "symbols") }
    symbols = message.symbols
    isBoundToCompiler = message.boundToCompiler
  }

  /// The field whose text a statement can't carry, or nil.
  var unencodableField: String? {
    let words = [
      (march, "march"), (compiler.name, "compiler"), (compiler.version, "compiler version"),
      (libc?.package ?? "", "libc package"), (libc?.version ?? "", "libc version"),
    ]
    for (word, field) in words where !Self.isWord(word) { return field }
    return symbols.count > Self.mostSymbols || !symbols.allSatisfy(Self.isWord) ? "symbols" : nil
  }

  static func isWord(_ word: String) -> Bool {
    word.utf8.count <= longestWord && word.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }

  private static func check(_ word: String, _ field: String) throws(StatementError) {
    guard isWord(word) else { throw .malformed(field: field) }
  }

  private static func short(
    _ bytes: [UInt8], _ field: String
  ) throws(StatementError) -> [UInt8] {
    guard bytes.isEmpty || bytes.count == 16 else { throw .malformed(field: field) }
    return bytes
  }
}
