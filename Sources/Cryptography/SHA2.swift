import Crypto

/// SHA-2 digests (FIPS 180-4).
public enum SHA2 {
  /// The 32 bytes of SHA-256.
  public static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    Array(Crypto.SHA256.hash(data: bytes))
  }
}

/// SHA-512 (FIPS 180-4), streaming: the digest of a gpkg's Manifest.
public struct SHA512Hasher: Sendable {
  private var hash = Crypto.SHA512()

  /// The hash of nothing.
  public init() {}

  /// Appends bytes.
  public mutating func update(buffer: UnsafeRawBufferPointer) {
    hash.update(bufferPointer: buffer)
  }

  /// The 64 bytes over everything appended.
  public func finalize() -> [UInt8] {
    Array(hash.finalize())
  }
}
