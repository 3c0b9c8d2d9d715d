import Cryptography
import Transfer
import Wire

/// The sidecar of a complete blob: its block digests, concatenated.
///
/// It is never trusted: whoever loads it computes the root above it, and one that is torn, missing or
/// altered is made anew from the blob. So it needs no flush of its own at a commit.
enum LayersFile {
  /// Whether a blob of this size has one; the digest of a single block is computed when asked for.
  static func isNeeded(size: UInt64) -> Bool { size > UInt64(Limits.block) }

  static func write(_ layers: MerkleLayers, to path: String, on files: FileSystem) throws {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(layers.blocks.count * 32)
    for digest in layers.blocks { bytes.append(contentsOf: digest.bytes) }
    let temporary = path + ".new"
    do {
      try files.write(bytes, at: 0, to: files.create(temporary))
      try files.rename(temporary, to: path)
    } catch {
      try? files.unlink(temporary)
      throw error
    }
  }

  /// The layers in the sidecar; nil unless they make the root.
  static func read(
    _ path: String, root: ContentRoot, size: UInt64, on files: FileSystem
  ) throws -> MerkleLayers? {
    guard let layout = BlockLayout(size: size), let file = try? files.open(path) else { return nil }
    let wanted = layout.blockCount * 32
    guard try file.size() == UInt64(wanted) else { return nil }
    let digests = Self.digests(try file.read(count: wanted, at: 0))
    guard layout.root(ofBlocks: digests) == root else { return nil }
    return MerkleLayers(blocks: digests, size: size)
  }

  /// Consecutive digests of 32 bytes.
  static func digests(_ bytes: [UInt8]) -> [Bytes32] {
    stride(from: 0, to: bytes.count - 31, by: 32).compactMap { Bytes32(bytes[$0..<$0 + 32]) }
  }
}
