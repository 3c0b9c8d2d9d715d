import Cryptography
import Transfer
import Wire

/// The file beside an unfinished blob: which blocks are here, as their digests, and the block layer.
///
/// 32 bytes of head (mark, size, whether the layer is kept), then one digest a block for what was
/// written (zero: absent), then the layer. A block counts after a restart only if its bytes still have
/// the digest noted here, so that a write torn by a crash or a power cut costs that block and no more.
struct PartialMap: Sendable {
  private static let mark = Array("larder partial 1".utf8)
  private static let headSize: UInt64 = 32
  private static let layerFlag: UInt64 = 24

  let file: OpenFile
  let layout: BlockLayout

  /// Begins an empty map.
  static func create(_ path: String, layout: BlockLayout, on files: FileSystem) throws -> PartialMap
  {
    let file = try files.create(path)
    var head = mark
    for shift in stride(from: 56, through: 0, by: -8) {
      head.append(UInt8(truncatingIfNeeded: layout.size >> UInt64(shift)))
    }
    head.append(contentsOf: [UInt8](repeating: 0, count: 8))
    try files.write(head, at: 0, to: file)
    return PartialMap(file: file, layout: layout)
  }

  /// Opens a map; nil if its head is not sound.
  static func open(_ path: String, on files: FileSystem) throws -> PartialMap? {
    guard files.size(of: path) != nil else { return nil }
    let file = try files.create(path, truncated: false)
    let head = try file.read(count: Int(headSize), at: 0)
    guard head.count == Int(headSize), Array(head[..<16]) == mark else { return nil }
    var size: UInt64 = 0
    for byte in head[16..<24] { size = size << 8 | UInt64(byte) }
    guard let layout = BlockLayout(size: size) else { return nil }
    return PartialMap(file: file, layout: layout)
  }

  /// Notes that the bytes of consecutive blocks are in the blob.
  func note(_ digests: [Bytes32], from block: Int, on files: FileSystem) throws {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digests.count * 32)
    for digest in digests { bytes.append(contentsOf: digest.bytes) }
    try files.write(bytes, at: Self.headSize + UInt64(block) * 32, to: file)
  }

  /// Keeps the layer: the flag is set after the digests.
  func keep(_ layers: MerkleLayers, on files: FileSystem) throws {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(layers.blocks.count * 32)
    for digest in layers.blocks { bytes.append(contentsOf: digest.bytes) }
    try files.write(bytes, at: layerStart, to: file)
    try files.write([1], at: Self.layerFlag, to: file)
  }

  /// The kept layer; nil if there is none or it does not make `root`.
  func layers(root: ContentRoot) throws -> MerkleLayers? {
    guard try file.read(count: 1, at: Self.layerFlag) == [1] else { return nil }
    let bytes = try file.read(count: layout.blockCount * 32, at: layerStart)
    let digests = LayersFile.digests(bytes)
    // The layer of a single block holds the node of a whole block, which is not its root.
    guard layout.isSingleBlock || layout.root(ofBlocks: digests) == root else { return nil }
    return MerkleLayers(blocks: digests, size: layout.size)
  }

  /// The digests of the blocks whose bytes in `blob` still have the digest noted here.
  func soundBlocks(in blob: OpenFile) throws -> [Int: Bytes32] {
    var sound: [Int: Bytes32] = [:]
    let noted = LayersFile.digests(
      try file.read(count: layout.blockCount * 32, at: Self.headSize))
    for (index, digest) in noted.enumerated() where digest != .zero {
      let range = layout.bytes(ofBlock: index)
      let bytes = try blob.read(count: range.count, at: range.lowerBound)
      guard VerifiedBlock(checking: bytes, index: index, layout: layout, expected: digest) != nil
      else { continue }
      sound[index] = digest
    }
    return sound
  }

  private var layerStart: UInt64 { Self.headSize + UInt64(layout.blockCount) * 32 }
}
