public import Cryptography
public import Wire

/// One message of a transfer stream.
///
/// Either side of a connection asks and serves: `want`, `hashRequest`, `blockRequest` and `cancel`
/// come from an asker, `have`, `hashes`, `blockData`, `reject`, `choke` and `unchoke` from a server.
public enum TransferFrame: Sendable, Equatable {
  /// The first frame of each side.
  case hello(Hello)
  /// Asks what the peer has of a blob; `stream` names it from now on.
  case want(stream: UInt32, root: ContentRoot)
  /// What the peer has.
  case have(Have)
  /// Asks for digests.
  case hashRequest(stream: UInt32, HashRange)
  /// Digests, the first of them for `range.start`.
  case hashes(stream: UInt32, level: MerkleTree.Level, start: Int, digests: [Bytes32])
  /// Asks for consecutive blocks.
  case blockRequest(stream: UInt32, blocks: Range<Int>)
  /// One block, whose `length` raw bytes follow the frame.
  case blockData(stream: UInt32, block: Int, length: Int)
  /// Takes back a request; an empty range ends the stream.
  case cancel(stream: UInt32, blocks: Range<Int>)
  /// No new requests until `unchoke`; those taken are still answered.
  case choke
  /// Requests are welcome again.
  case unchoke
  /// The last frame of a side.
  case goodbye(Goodbye)
  /// A WANT or a request that is not answered.
  case reject(stream: UInt32, Rejection)

  /// The version of the transfer protocol.
  public static let version = 1

  /// Who speaks and how much may be asked of it.
  public struct Hello: Sendable, Equatable {
    /// The protocol's version.
    public var version: Int
    /// The network's name, at most 64 bytes of UTF-8.
    public var network: String
    /// The blocks that the other side may have asked for and not yet got, over all its streams.
    public var credit: Int

    /// The greeting of this network.
    public init(version: Int = TransferFrame.version, network: String, credit: Int) {
      self.version = version
      self.network = network
      self.credit = credit
    }
  }

  /// What a peer has of a blob.
  public struct Have: Sendable, Equatable {
    /// The asker's name for the blob.
    public var stream: UInt32
    /// The whole blob's size in bytes, as the peer says.
    public var size: UInt64
    /// The bit set of the blocks here; nil for all.
    public var blocks: [UInt8]?
    /// The whole blob, if it has at most 64 KiB.
    public var inline: [UInt8]?
    /// The block layer, else the piece layer, if at most 64 KiB.
    public var layer: Layer?

    /// The answer to the WANT of `stream`.
    public init(
      stream: UInt32, size: UInt64, blocks: [UInt8]? = nil, inline: [UInt8]? = nil,
      layer: Layer? = nil
    ) {
      self.stream = stream
      self.size = size
      self.blocks = blocks
      self.inline = inline
      self.layer = layer
    }
  }

  /// A whole layer of digests.
  public struct Layer: Sendable, Equatable {
    /// The layer's level: blocks or pieces.
    public var level: MerkleTree.Level
    /// The digests in order.
    public var digests: [Bytes32]

    /// These digests of that level.
    public init(level: MerkleTree.Level, digests: [Bytes32]) {
      self.level = level
      self.digests = digests
    }
  }

  /// Why a side ends the connection.
  public enum Goodbye: Int, Sendable, CaseIterable {
    /// Nothing more to do.
    case done = 1
    /// Too many connections.
    case busy = 2
    /// The other side broke the protocol.
    case violation = 3
    /// Another network or version.
    case foreign = 4
    /// The other side is banned.
    case banned = 5
  }

  /// Why a server does not answer.
  public enum Rejection: Int, Sendable, CaseIterable {
    /// The blob is not here.
    case notHere = 1
    /// More than the credit, or too many streams.
    case busy = 2
    /// Nothing that could be answered.
    case badRequest = 3
  }
}

/// Consecutive digests of one layer.
public struct HashRange: Sendable, Hashable {
  /// The layer: blocks or pieces.
  public let level: MerkleTree.Level
  /// The index of the first digest.
  public let start: Int
  /// The number of digests.
  public let count: Int

  /// The digests that one HASHES frame holds at most: 64 KiB of them.
  public static let limit = 2_048

  /// Those `count` digests from `start`.
  public init(level: MerkleTree.Level, start: Int, count: Int) {
    self.level = level
    self.start = start
    self.count = count
  }

  /// The indices of the digests.
  public var indices: Range<Int> { start..<start + count }
}
