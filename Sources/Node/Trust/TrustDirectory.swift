public import Cryptography
import FoundationEssentials
public import Trust
import Wire

/// `/etc/larder/trust`: one minisign public key file an issuer, `trust.yaml` with their scopes, and
/// revocations.
public struct TrustDirectory: Sendable {
  /// Why a change of the trust list was refused.
  public enum ChangeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// An issuer of that name or with that key is listed.
    case known(String)
    /// No issuer of that name or key.
    case unknown(String)
    /// The file or word is no public key.
    case noKey(String, reason: String)
    /// The file is no revocation that its key signed.
    case noRevocation(String, reason: String)

    /// What happened and what to do.
    public var description: String {
      switch self {
      case .known(let name):
        "\(name) is on the trust list already; 'larder trust remove \(name)' takes it out"
      case .unknown(let name):
        "no issuer is called \(name); 'larder trust list' shows who is on the list"
      case .noKey(let path, let reason):
        "\(path): this is no public key in minisign's format (\(reason)); "
          + "its owner makes one with 'larder key export'"
      case .noRevocation(let path, let reason):
        "\(path): this is no revocation (\(reason)); the key's owner makes one with 'larder key revoke'"
      }
    }
  }

  private let path: String

  /// The trust list of the node at `paths`.
  public init(_ paths: Paths) {
    path = paths.trust
  }

  /// The trust list as the files say, with this node's own key; empty without files.
  public func load(own: PublicKey?) throws -> TrustList {
    var list = TrustList()
    if let bytes = try AtomicFile.read(file) {
      let reader = TrustFile(file: file) { try key(at: $0) }
      list = try reader.parse(String(decoding: bytes, as: UTF8.self))
    }
    if let own { list.ownKeys = [own] }
    for name in names(suffix: ".revocation") {
      guard let bytes = try AtomicFile.read("\(path)/\(name)", limit: Limits.record) else {
        continue
      }
      list.add(try SignedRevocation(verifying: bytes))
    }
    return list
  }

  /// Adds an issuer and writes its key beside the list.
  public func add(_ issuer: Issuer) throws {
    try change { list in
      if list.issuers.contains(where: { $0.name == issuer.name || $0.key == issuer.key }) {
        throw ChangeError.known(issuer.name)
      }
      list.issuers.append(issuer)
      try list.validate()
      try AtomicFile.makeDirectory(path)
      let text = Minisign.publicKeyFile(issuer.key)
      try AtomicFile.write(Array(text.utf8), to: "\(path)/\(issuer.name).pub", mode: 0o644)
    }
  }

  /// Takes out the issuer of that name, with its key file.
  public func remove(_ name: String) throws {
    try change { list in
      guard let index = list.issuers.firstIndex(where: { $0.name == name }) else {
        throw ChangeError.unknown(name)
      }
      list.issuers.remove(at: index)
      try list.validate()
    }
    try? FileManager.default.removeItem(atPath: "\(path)/\(name).pub")
  }

  /// Keeps a revocation that the key's owner signed; throws if it is not the owner's word.
  public func revoke(_ file: String) throws -> Revocation {
    guard let bytes = try AtomicFile.read(file, limit: 4_096) else {
      throw ChangeError.noRevocation(file, reason: "there is no such file")
    }
    let signed: SignedRevocation
    do {
      signed = try SignedRevocation(verifying: bytes)
    } catch {
      throw ChangeError.noRevocation(file, reason: "\(error)")
    }
    guard signed.signer == signed.revocation.key else {
      throw ChangeError.noRevocation(file, reason: "another key signed it")
    }
    try AtomicFile.makeDirectory(path)
    let name = "\(path)/\(signed.revocation.key.bytes.hex.prefix(16)).revocation"
    try AtomicFile.write(bytes, to: name, mode: 0o644)
    return signed.revocation
  }

  /// The key in a minisign file, or of 64 hexadecimal digits.
  public func readKey(_ word: String) throws -> PublicKey {
    if let bytes = Bytes32(hex: word) { return PublicKey(bytes) }
    guard let bytes = try AtomicFile.read(word, limit: 4_096) else {
      throw ChangeError.noKey(word, reason: "there is no such file")
    }
    do {
      return try Minisign.parsePublicKey(String(decoding: bytes, as: UTF8.self))
    } catch {
      throw ChangeError.noKey(word, reason: "\(error)")
    }
  }

  private var file: String { "\(path)/trust.yaml" }

  /// Reads the list, changes it and writes it with the next version; comments at its top stay.
  private func change(_ body: (inout TrustList) throws -> Void) throws {
    var list = try load(own: nil)
    try body(&list)
    let text = try AtomicFile.read(file).map { String(decoding: $0, as: UTF8.self) } ?? ""
    var comment = text.split(separator: "\n").prefix { $0.hasPrefix("#") }.map(String.init)
    if comment.isEmpty {
      comment = [
        "# Who may build for this host. Anyone listed here can act as root on it: packages run",
        "# code as root when they are installed. docs/OPERATING.md explains the keys.",
      ]
    }
    // A version by the clock stays the highest even after the file was deleted.
    list.version = max(list.version + 1, UInt64(max(1, WallClock.now.seconds)))
    try AtomicFile.write(Array(TrustFile.print(list, comment: comment).utf8), to: file, mode: 0o644)
  }

  private func key(at name: String) throws -> PublicKey {
    guard !name.contains("/"), name != ".." else {
      throw ChangeError.noKey(name, reason: "key files stand in the same directory")
    }
    return try readKey("\(path)/\(name)")
  }

  private func names(suffix: String) -> [String] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return all.filter { $0.hasSuffix(suffix) }.sorted()
  }
}
