import Cryptography
import TestSupport
import Testing
import Transfer
import Wire

/// Frames and trees that Tests/Vectors/make-streams made without any of this code.
@Suite("Known frames") struct StreamVectorTests {
  struct Vectors: Decodable {
    let frames: [Known]
    let refused: [Refused]
    let trees: [Tree]
  }

  struct Known: Decodable {
    let name: String
    let payload: String
    let fields: [String: Field]
    let frame: String
  }

  struct Refused: Decodable {
    let name: String
    let frame: String
  }

  struct Tree: Decodable {
    let size: UInt64
    let root: String
    let leaves: [String]
    let blocks: [String]
    let pieces: [String]
  }

  /// A number, a text, or bytes in hexadecimal behind `hex:`.
  enum Field: Decodable {
    case number(UInt64)
    case text(String)

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let number = try? value.decode(UInt64.self) {
        self = .number(number)
      } else {
        self = .text(try value.decode(String.self))
      }
    }
  }

  private let vectors: Vectors

  init() throws {
    vectors = try KnownVectors.read("streams.json")
  }

  @Test func framesAreReadAndWrittenAsKnown() throws {
    #expect(vectors.frames.count >= 22)
    for known in vectors.frames {
      let bytes = try KnownVectors.bytes(known.frame)
      let expected = try #require(Self.frame(known), "\(known.name)")
      #expect(expected.framed == bytes, "\(known.name)")
      var decoder = FrameDecoder()
      _ = try decoder.step(Array(bytes.prefix(4)))
      let event = try decoder.step(Array(bytes.dropFirst(4)))
      if case .blockData(_, _, let length) = expected {
        #expect(event == nil && decoder.needed == length, "\(known.name)")
      } else {
        #expect(event == .frame(expected), "\(known.name)")
      }
    }
  }

  @Test func framesOutsideTheirBoundsAreRefused() throws {
    #expect(vectors.refused.count >= 20)
    for refused in vectors.refused {
      let bytes = try KnownVectors.bytes(refused.frame)
      #expect(throws: TransferFrame.DecodeError.self, "\(refused.name)") {
        var decoder = FrameDecoder()
        _ = try decoder.step(Array(bytes.prefix(4)))
        _ = try decoder.step(Array(bytes.dropFirst(4)))
      }
    }
  }

  @Test func treesAreTheKnownOnes() throws {
    for tree in vectors.trees {
      let layout = try #require(BlockLayout(size: tree.size))
      let root = try #require(Bytes32(hex: tree.root))
      for (layer, level) in [(tree.leaves, MerkleTree.Level.leaf), (tree.blocks, .block)] {
        let digests = try layer.map { try #require(Bytes32(hex: $0)) }
        #expect(digests.count == level.count(of: tree.size))
        // A tree of fewer leaves than a block has is lower than that.
        guard level == .leaf || !layout.isSingleBlock else { continue }
        let made = MerkleTree.root(ofLayer: digests, level: level, size: tree.size)
        #expect(made == ContentRoot(root), "\(tree.size) bytes")
      }
      let blocks = try tree.blocks.map { try #require(Bytes32(hex: $0)) }
      let pieces = try tree.pieces.map { try #require(Bytes32(hex: $0)) }
      let layers = try #require(MerkleLayers(blocks: blocks, size: tree.size))
      #expect(layers.pieces == pieces, "\(tree.size) bytes")
    }
  }

  /// The frame that the fields of a vector describe.
  private static func frame(_ known: Known) -> TransferFrame? {
    func number(_ name: String) -> UInt64 {
      if case .number(let number) = known.fields[name] { number } else { 0 }
    }
    func bytes(_ name: String) -> [UInt8]? {
      guard case .text(let text) = known.fields[name] else { return nil }
      return [UInt8](hex: String(text.dropFirst("hex:".count)))
    }
    func digests(_ name: String) -> [Bytes32] {
      let bytes = bytes(name) ?? []
      return stride(from: 0, to: bytes.count, by: 32).compactMap { Bytes32(bytes[$0..<$0 + 32]) }
    }
    let stream = UInt32(number("stream"))
    let start = Int(number("start"))
    let count = Int(number("count"))
    guard let level = MerkleTree.Level(rawValue: Int(number("level"))) else { return nil }
    switch known.payload {
    case "hello":
      guard case .text(let network) = known.fields["network"] else { return nil }
      return .hello(
        .init(
          version: Int(number("version")), network: network, credit: Int(number("credit"))))
    case "want": return .want(stream: stream, root: ContentRoot(digests("root")[0]))
    case "have":
      var have = TransferFrame.Have(stream: stream, size: number("size"))
      have.blocks = bytes("blocks")
      have.inline = bytes("inline")
      if let level = MerkleTree.Level(rawValue: Int(number("layer_level"))), level != .leaf {
        have.layer = .init(level: level, digests: digests("layer"))
      }
      return .have(have)
    case "hash_request":
      return .hashRequest(
        stream: stream, HashRange(level: level, start: start, count: count))
    case "hashes":
      return .hashes(stream: stream, level: level, start: start, digests: digests("digests"))
    case "block_request": return .blockRequest(stream: stream, blocks: start..<start + count)
    case "block_data":
      return .blockData(
        stream: stream, block: Int(number("block")), length: Int(number("length")))
    case "cancel": return .cancel(stream: stream, blocks: start..<start + count)
    case "choke": return .choke
    case "unchoke": return .unchoke
    case "goodbye":
      return TransferFrame.Goodbye(rawValue: Int(number("reason"))).map { .goodbye($0) }
    case "reject":
      return TransferFrame.Rejection(rawValue: Int(number("reason"))).map {
        .reject(stream: stream, $0)
      }
    default: return nil
    }
  }
}
