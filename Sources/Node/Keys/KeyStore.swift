public import Cryptography
import FoundationEssentials

/// The secret keys of one node, in files without a password that only root can read.
public struct KeyStore: Sendable {
  /// Which key is meant.
  public enum Purpose: String, Sendable, CaseIterable {
    /// Who the node is on the network.
    case node
    /// Who signs builds.
    case issuer
  }

  /// Why a key can't be had.
  public enum KeyError: Error, Sendable, CustomStringConvertible {
    /// There is none yet.
    case missing(path: String, Purpose)
    /// There is one already, and it would be lost.
    case exists(path: String)
    /// The file is no key.
    case unreadable(path: String, reason: String)
    /// Others than the owner may read it.
    case tooOpen(path: String, mode: UInt32)

    /// What happened and what to do.
    public var description: String {
      switch self {
      case .missing(let path, let purpose):
        "\(path): there is no \(purpose.rawValue) key; make one with 'larder key generate'"
      case .exists(let path):
        "\(path): there is a key already; what it signed would be orphaned. "
          + "Move the file away if you mean it"
      case .unreadable(let path, let reason):
        "\(path): this is no secret key without a password in minisign's format (\(reason))"
      case .tooOpen(let path, let mode):
        "\(path): others may read this secret key (mode \(String(mode, radix: 8))); "
          + "run 'chmod 600' on it, and make a new key if somebody may have"
      }
    }
  }

  private let paths: Paths

  /// The keys of the node at `paths`.
  public init(_ paths: Paths) {
    self.paths = paths
  }

  /// The file of a key.
  public func path(_ purpose: Purpose) -> String {
    switch purpose {
    case .node: paths.nodeKey
    case .issuer: paths.issuerKey
    }
  }

  /// The key for this purpose.
  public func load(_ purpose: Purpose) throws -> SigningKey {
    let path = path(purpose)
    guard let bytes = try AtomicFile.read(path, limit: 4_096) else {
      throw KeyError.missing(path: path, purpose)
    }
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    let mode = (attributes[.posixPermissions] as? UInt16).map(UInt32.init) ?? 0
    guard mode & 0o077 == 0 else { throw KeyError.tooOpen(path: path, mode: mode & 0o777) }
    do {
      return try Minisign.parseSecretKey(String(decoding: bytes, as: UTF8.self))
    } catch {
      throw KeyError.unreadable(path: path, reason: "\(error)")
    }
  }

  /// Makes a new key for this purpose; refuses to replace one.
  public func generate(_ purpose: Purpose) throws -> SigningKey {
    let path = path(purpose)
    guard try AtomicFile.read(path, limit: 4_096) == nil else { throw KeyError.exists(path: path) }
    try AtomicFile.makeDirectory(paths.keys, mode: 0o700)
    let key = SigningKey.generate()
    try AtomicFile.write(Array(Minisign.secretKeyFile(key).utf8), to: path, mode: 0o600)
    return key
  }

  /// The node key, made on the first start.
  public func nodeKey() throws -> SigningKey {
    do {
      return try load(.node)
    } catch KeyError.missing {
      return try generate(.node)
    }
  }

  /// The issuer key; nil if this node has none.
  public func issuerKey() throws -> SigningKey? {
    do {
      return try load(.issuer)
    } catch KeyError.missing {
      return nil
    }
  }
}
