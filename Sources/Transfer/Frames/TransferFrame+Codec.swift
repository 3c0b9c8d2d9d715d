import Cryptography
import Wire

extension TransferFrame {
  /// Why bytes are not a frame.
  public enum DecodeError: Error, Equatable, Sendable {
    /// A length above the bound.
    case tooLarge(Int, limit: Int)
    /// Not an encoded frame, or one of a kind that is not known.
    case malformed
    /// A field outside its bounds.
    case outOfBounds(String)
  }

  /// The frame that the message encodes, with every field within its bounds.
  public static func decode(_ bytes: [UInt8]) throws(DecodeError) -> TransferFrame {
    let message: Larder_TransferFrame
    do {
      message = try ProtobufCodec.decode(
        Larder_TransferFrame.self, from: bytes, limit: Limits.frame)
    } catch {
      switch error {
      case .tooLarge(let count, let limit): throw .tooLarge(count, limit: limit)
      case .malformed: throw .malformed
      }
    }
    guard let payload = message.payload else { throw .malformed }
    switch payload {
    case .hello(let hello): return try decode(hello)
    case .want(let want):
      guard let root = Bytes32(want.root) else { throw .outOfBounds("root") }
      return .want(stream: want.stream, root: ContentRoot(root))
    case .have(let have): return try decode(have)
    case .hashRequest(let request):
      let level = try level(request.level)
      guard request.count >= 1, request.count <= UInt32(HashRange.limit) else {
        throw .outOfBounds("count")
      }
      let range = HashRange(
        level: level, start: try index(request.start), count: Int(request.count))
      return .hashRequest(stream: request.stream, range)
    case .hashes(let hashes):
      return .hashes(
        stream: hashes.stream, level: try level(hashes.level), start: try index(hashes.start),
        digests: try digests(Array(hashes.digests)))
    case .blockRequest(let request):
      let blocks = try range(request.start, request.count)
      guard !blocks.isEmpty else { throw .outOfBounds("count") }
      return .blockRequest(stream: request.stream, blocks: blocks)
    case .blockData(let block):
      guard block.length >= 1, block.length <= UInt32(Limits.block) else {
        throw .outOfBounds("length")
      }
      return .blockData(
        stream: block.stream, block: try index(block.block), length: Int(block.length))
    case .cancel(let cancel):
      return .cancel(stream: cancel.stream, blocks: try range(cancel.start, cancel.count))
    case .choke: return .choke
    case .unchoke: return .unchoke
    case .goodbye(let goodbye):
      guard let reason = Goodbye(rawValue: Int(goodbye.reason)) else {
        throw .outOfBounds("reason")
      }
      return .goodbye(reason)
    case .reject(let reject):
      guard let reason = Rejection(rawValue: Int(reject.reason)) else {
        throw .outOfBounds("reason")
      }
      return .reject(stream: reject.stream, reason)
    }
  }

  /// The most blocks that a blob may have.
  static let mostBlocks = Int(Limits.blob / UInt64(Limits.block))

  private static func decode(_ hello: Larder_Hello) throws(DecodeError) -> TransferFrame {
    guard hello.network.utf8.count <= 64 else { throw .outOfBounds("network") }
    guard hello.credit >= 1, hello.credit <= 65_536 else { throw .outOfBounds("credit") }
    return .hello(
      Hello(version: Int(hello.version), network: hello.network, credit: Int(hello.credit)))
  }

  private static func decode(_ have: Larder_Have) throws(DecodeError) -> TransferFrame {
    guard have.size >= 1, have.size <= Limits.blob else { throw .outOfBounds("size") }
    guard have.inline.count <= Limits.block else { throw .outOfBounds("inline") }
    guard have.blocks.count <= (mostBlocks + 7) / 8 else { throw .outOfBounds("blocks") }
    var frame = Have(stream: have.stream, size: have.size)
    if !have.blocks.isEmpty { frame.blocks = Array(have.blocks) }
    if !have.inline.isEmpty { frame.inline = Array(have.inline) }
    if !have.layer.isEmpty {
      frame.layer = Layer(
        level: try level(have.layerLevel), digests: try digests(Array(have.layer)))
    }
    return .have(frame)
  }

  private static func level(_ value: UInt32) throws(DecodeError) -> MerkleTree.Level {
    switch value {
    case 2: .block
    case 6: .piece
    default: throw .outOfBounds("level")
    }
  }

  private static func index(_ value: UInt32) throws(DecodeError) -> Int {
    guard value < UInt32(mostBlocks) else { throw .outOfBounds("start") }
    return Int(value)
  }

  private static func range(
    _ start: UInt32, _ count: UInt32
  ) throws(DecodeError) -> Range<Int> {
    let first = try index(start)
    guard count <= UInt32(mostBlocks - first) else { throw .outOfBounds("count") }
    return first..<first + Int(count)
  }

  private static func digests(_ bytes: [UInt8]) throws(DecodeError) -> [Bytes32] {
    guard bytes.count % 32 == 0, bytes.count >= 32, bytes.count <= 32 * HashRange.limit else {
      throw .outOfBounds("digests")
    }
    var digests: [Bytes32] = []
    digests.reserveCapacity(bytes.count / 32)
    for start in stride(from: 0, to: bytes.count, by: 32) {
      if let digest = Bytes32(bytes[start..<start + 32]) { digests.append(digest) }
    }
    return digests
  }
}
