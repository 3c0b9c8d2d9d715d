public import Cryptography
public import Wire

/// The fetch of one blob from many peers.
///
/// It sees sizes, digests, block numbers and times; the bytes go from the socket to the hash to the
/// store beside it. Every wait has a deadline: `nextDeadline` says when to call `tick`. The machine
/// ends with `complete` or `failed`, after which it has no further actions.
public struct FetchMachine: Sendable {
  /// What the driver is to do.
  public enum Action: Sendable, Equatable {
    /// Open a connection, or take the one that is there; then call `joined` or `lost`.
    case connect(PublicKey)
    /// Ask what the peer has.
    case want(PublicKey)
    /// Ask for digests.
    case requestHashes(PublicKey, HashRange)
    /// Ask for blocks.
    case request(PublicKey, Range<Int>)
    /// Take a request back.
    case cancel(PublicKey, Range<Int>)
    /// Keep the checked block layer beside the blob.
    case keep(MerkleLayers)
    /// End the stream with this peer; the connection may stay.
    case leave(PublicKey, Leaving)
    /// End the connection and refuse the peer from now on.
    case ban(PublicKey, Offence)
    /// Every block is checked and written: commit.
    case complete
    /// Give up; what is checked stays for a later fetch.
    case failed(Failure)
  }

  /// Why a peer is left without blame.
  public enum Leaving: Sendable, Hashable {
    /// No answer in time.
    case silent
    /// Under a tenth of the others' median.
    case slow
    /// It kept us choked.
    case choking
    /// It does not have the blob.
    case notThere
    /// It is not needed any more.
    case done
  }

  /// Why a fetch failed.
  public enum Failure: Error, Sendable, Hashable {
    /// Every provider was tried: none is left that has the blob and tells the truth.
    case noProviders
    /// No checked block for the settings' `stallTime`.
    case stalled
  }

  /// What to do with a block that arrived.
  public enum Arrival: Sendable, Equatable {
    /// Hash it; its digest must be this one. Then call `verified` or `bad`.
    case check(Bytes32)
    /// Drop it: another peer was faster.
    case drop
    /// The peer was banned for it.
    case refused
  }

  /// The blob's name.
  public let root: ContentRoot
  /// How the blob falls into blocks.
  public let layout: BlockLayout
  /// The bounds and times.
  public let settings: FetchSettings
  /// The most bytes a second that this node lets in now; silences stretch accordingly.
  public var ceiling: UInt64?
  /// The checked and written blocks.
  public internal(set) var verified: BlockSet
  /// Whether the fetch ended.
  public private(set) var isFinished = false

  var peers: [PublicKey: FetchPeer] = [:]
  /// The peers in the order they were added: nothing may depend on a dictionary's order.
  var order: [PublicKey] = []
  var layer: LayerCollector
  /// Whether the layer was handed over to be kept.
  var isLayerKept: Bool
  /// Blocks that are written, being checked or owed by somebody.
  var taken: BlockSet
  /// Who owes a block.
  var owners: [Int: [PublicKey]] = [:]
  /// Blocks whose bytes are being hashed.
  var checking: Set<Int> = []
  /// The piece layer, when it comes in several answers of one peer.
  var assembly: (peer: PublicKey, digests: [Bytes32])?
  /// No free block lies before this one.
  var cursor = 0
  var lastProgress: Instant
  /// The latest time that came in.
  var clock: Instant

  /// The fetch of a blob whose name and size an issuer signed, going on from what is here.
  public init(
    root: ContentRoot, layout: BlockLayout, resumed: PartialContents? = nil,
    settings: FetchSettings = FetchSettings(), now: Instant
  ) {
    self.root = root
    self.layout = layout
    self.settings = settings
    verified = BlockSet(capacity: layout.blockCount)
    layer = LayerCollector(root: root, layout: layout)
    if let resumed, resumed.blocks.capacity == layout.blockCount { verified = resumed.blocks }
    isLayerKept = layout.isSingleBlock
    if let kept = resumed?.layers, kept.size == layout.size,
      layer.take(.block, whole: kept.blocks) == .accepted
    {
      isLayerKept = true
    }
    taken = verified
    lastProgress = now
    clock = now
  }

  /// The checked bytes.
  public var verifiedBytes: UInt64 {
    let whole = UInt64(verified.count) * UInt64(Limits.block)
    guard verified.contains(layout.blockCount - 1) else { return whole }
    return whole - UInt64(Limits.block - layout.length(ofBlock: layout.blockCount - 1))
  }

  /// The peers that serve now.
  public var readyPeers: Int { order.count { peers[$0]?.isReady ?? false } }

  /// The checked bytes that each peer gave.
  public var contributions: [PublicKey: UInt64] {
    peers.compactMapValues { $0.bytes > 0 ? $0.bytes : nil }
  }

  /// Adds a provider; one that is known already is left as it is.
  public mutating func add(_ peer: PublicKey, now: Instant) -> [Action] {
    guard !isFinished, peers[peer] == nil else { return [] }
    peers[peer] = FetchPeer()
    order.append(peer)
    return advance(now)
  }

  /// Begins: connects to the first peers. A blob whose blocks are all here completes at once.
  public mutating func begin(now: Instant) -> [Action] {
    advance(now)
  }

  /// Notes that the connection to a peer stands and how many blocks we may owe it.
  public mutating func joined(_ peer: PublicKey, credit: Int, now: Instant) -> [Action] {
    guard !isFinished, case .connecting? = peers[peer]?.state else { return [] }
    peers[peer]?.state = .asked(since: now)
    peers[peer]?.credit = credit
    return [.want(peer)] + advance(now)
  }

  /// Notes that a peer's connection could not be opened or is gone.
  public mutating func lost(_ peer: PublicKey, now: Instant) -> [Action] {
    guard !isFinished, peers[peer]?.isActive ?? false else { return [] }
    release(peer, now: now)
    return advance(now)
  }

  /// Notes that a peer does not answer a WANT or a request.
  public mutating func rejected(
    _ peer: PublicKey, _ reason: TransferFrame.Rejection, now: Instant
  ) -> [Action] {
    guard !isFinished, let state = peers[peer]?.state, peers[peer]?.isActive ?? false else {
      return []
    }
    var actions: [Action] = [.leave(peer, .notThere)]
    switch reason {
    case .notHere, .badRequest:
      release(peer, now: now)
      peers[peer]?.state = .exhausted
    case .busy:
      if case .ready = state {
        actions = [.cancel(peer, 0..<layout.blockCount)]
        releaseOwed(peer)
        peers[peer]?.restUntil = now + settings.backoff
      } else {
        release(peer, now: now)
      }
    }
    return actions + advance(now)
  }

  /// Notes that a peer takes no new requests.
  public mutating func choked(_ peer: PublicKey, now: Instant) -> [Action] {
    guard !isFinished, let isChoked = peers[peer]?.isChoked, !isChoked else { return [] }
    peers[peer]?.isChoked = true
    peers[peer]?.chokedSince = now
    return advance(now)
  }

  /// Notes that a peer takes requests again.
  public mutating func unchoked(_ peer: PublicKey, now: Instant) -> [Action] {
    guard !isFinished, peers[peer] != nil else { return [] }
    peers[peer]?.isChoked = false
    return advance(now)
  }

  /// Notes that a block's digest is another: the sender lied.
  public mutating func bad(_ block: Int, from peer: PublicKey, now: Instant) -> [Action] {
    guard !isFinished else { return [] }
    checking.remove(block)
    releaseIfUnowned(block)
    return ban(peer, for: .badBlock(block), now: now)
  }

  /// Bans a peer for what the driver saw.
  public mutating func offended(
    _ peer: PublicKey, _ offence: Offence, now: Instant
  ) -> [Action] {
    guard !isFinished else { return [] }
    return ban(peer, for: offence, now: now)
  }

  mutating func finish(_ last: Action) -> [Action] {
    var actions: [Action] = []
    for key in order where peers[key]?.isActive ?? false { actions.append(.leave(key, .done)) }
    isFinished = true
    return actions + [last]
  }
}
