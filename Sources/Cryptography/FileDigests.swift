import Crypto

/// Size, MD5 and SHA-1 of a file, which Portage's index demands, computed in one pass.
///
/// Neither digest is trusted for security: the content root is signed beside them.
public struct FileDigests: Sendable {
  /// The bytes appended so far.
  public private(set) var size: UInt64 = 0
  private var md5 = Insecure.MD5()
  private var sha1 = Insecure.SHA1()

  /// The digests of nothing.
  public init() {}

  /// Appends bytes.
  public mutating func update(buffer: UnsafeRawBufferPointer) {
    size += UInt64(buffer.count)
    md5.update(bufferPointer: buffer)
    sha1.update(bufferPointer: buffer)
  }

  /// Appends bytes.
  public mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update(buffer: $0) }
  }

  /// The 16 bytes of MD5 and the 20 of SHA-1 over everything appended.
  public func finalize() -> (md5: [UInt8], sha1: [UInt8]) {
    (Array(md5.finalize()), Array(sha1.finalize()))
  }
}
