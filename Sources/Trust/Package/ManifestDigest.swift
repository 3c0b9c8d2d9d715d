import Cryptography
import Portage
import Wire

/// The digests that a gpkg's Manifest names its members by (GLEP 74, GLEP 78).
struct ManifestDigest: MemberDigest {
  private var blake2b = BLAKE2b(length: 64)
  private var sha512 = SHA512Hasher()

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    blake2b.update(buffer: bytes.bindMemory(to: UInt8.self))
    sha512.update(buffer: bytes)
  }

  mutating func finish() -> [String: String] {
    ["BLAKE2B": blake2b.finalize().hex, "SHA512": sha512.finalize().hex]
  }
}
