public import Cryptography
import DequeModule

/// The serving side of one connection.
///
/// It takes an asker's frames and keeps what is to be done in bounded queues; the driver pulls one
/// piece of work at a time when the connection has room, so that memory does not grow with what a
/// peer asks for. Descriptions go before digests, digests before blocks; streams take turns.
public struct ServeMachine: Sendable {
  /// One thing to read from the store and send.
  public enum Work: Sendable, Equatable {
    /// Look the blob up, call `described`, send HAVE if it is here.
    case describe(stream: UInt32, root: ContentRoot)
    /// Send these digests.
    case hashes(stream: UInt32, root: ContentRoot, HashRange)
    /// Send these consecutive blocks.
    case blocks(stream: UInt32, root: ContentRoot, Range<Int>)
  }

  /// What the driver is to do at once.
  public enum Action: Sendable, Equatable {
    /// Send a frame.
    case send(TransferFrame)
    /// Say goodbye and close: the asker broke the protocol.
    case close(TransferFrame.Goodbye)
  }

  /// The bounds of one connection.
  public struct Settings: Sendable, Equatable {
    /// The blocks that an asker may have asked for and not yet got.
    public var credit = 512
    /// The streams that an asker may have open.
    public var streams = 64
    /// The requests for digests that may wait.
    public var hashRequests = 16
    /// The blocks that may still be asked for after a choke: what an asker's window can hold.
    public var lateBlocks = 128
    /// The requests over these bounds, or without sense, after which the connection is closed.
    public var patience = 16

    /// The defaults.
    public init() {}
  }

  private struct Stream {
    var root: ContentRoot
    var layout: BlockLayout?
    var queue: Deque<Range<Int>> = []
  }

  /// The bounds.
  public let settings: Settings
  /// The blocks that were asked for and not yet pulled.
  public private(set) var queuedBlocks = 0
  /// Whether the asker was told to wait.
  public private(set) var isChoking = false
  private var streams: [UInt32: Stream] = [:]
  private var descriptions: Deque<UInt32> = []
  private var hashes: Deque<(stream: UInt32, range: HashRange)> = []
  /// The streams with queued blocks, in the order of their turns.
  private var turns: Deque<UInt32> = []
  private var lastStream: UInt32?
  private var faults = 0
  private var isHeld = false
  /// Blocks asked for since the connection is held: those of requests that crossed the choke.
  private var late = 0

  /// The serving side of a new connection.
  public init(settings: Settings = Settings()) {
    self.settings = settings
  }

  /// The streams that are open.
  public var openStreams: Int { streams.count }

  /// Whether there is nothing to do.
  public var isIdle: Bool { descriptions.isEmpty && hashes.isEmpty && turns.isEmpty }

  /// Takes one frame of an asker; frames of a server are not for this machine.
  public mutating func receive(_ frame: TransferFrame) -> [Action] {
    switch frame {
    case .want(let stream, let root): want(stream, root)
    case .hashRequest(let stream, let range): request(stream, range)
    case .blockRequest(let stream, let blocks): request(stream, blocks)
    case .cancel(let stream, let blocks): cancel(stream, blocks)
    case .hello, .have, .hashes, .blockData, .choke, .unchoke, .goodbye, .reject: []
    }
  }

  /// Notes what the store said about a stream's blob; nil if it is not here.
  public mutating func described(_ stream: UInt32, layout: BlockLayout?) -> [Action] {
    guard streams[stream] != nil else { return [] }
    guard let layout else {
      streams[stream] = nil
      return [.send(.reject(stream: stream, .notHere))]
    }
    streams[stream]?.layout = layout
    return []
  }

  /// Ends a stream whose blob could not be read any more.
  public mutating func vanished(_ stream: UInt32) -> [Action] {
    guard streams[stream] != nil else { return [] }
    close(stream)
    return [.send(.reject(stream: stream, .notHere))] + relent()
  }

  /// The next thing to do, with at most `run` blocks at a time; nil if there is none.
  public mutating func next(run: Int = 1) -> Work? {
    while let stream = descriptions.popFirst() {
      if let root = streams[stream]?.root { return .describe(stream: stream, root: root) }
    }
    while let (stream, range) = hashes.popFirst() {
      if let root = streams[stream]?.root { return .hashes(stream: stream, root: root, range) }
    }
    while let stream = turns.popFirst() {
      guard let root = streams[stream]?.root, let range = streams[stream]?.queue.popFirst() else {
        continue
      }
      let part = range.prefix(max(1, run))
      let rest = range.dropFirst(part.count)
      if !rest.isEmpty { streams[stream]?.queue.prepend(rest) }
      if streams[stream]?.queue.isEmpty == false { turns.append(stream) }
      queuedBlocks -= part.count
      return .blocks(stream: stream, root: root, part)
    }
    return nil
  }

  /// Tells the asker that requests are welcome again, once half of its credit is free.
  public mutating func relent() -> [Action] {
    guard isChoking, !isHeld, queuedBlocks <= settings.credit / 2 else { return [] }
    isChoking = false
    return [.send(.unchoke)]
  }

  /// Takes no new requests for blocks, or takes them again; those taken are still answered.
  public mutating func hold(_ held: Bool) -> [Action] {
    guard held != isHeld else { return [] }
    isHeld = held
    late = 0
    guard held else { return relent() }
    guard !isChoking else { return [] }
    isChoking = true
    return [.send(.choke)]
  }

  private mutating func want(_ stream: UInt32, _ root: ContentRoot) -> [Action] {
    if let last = lastStream, stream <= last { return fault(stream, .badRequest) }
    lastStream = stream
    guard streams.count < settings.streams else { return fault(stream, .busy) }
    streams[stream] = Stream(root: root)
    descriptions.append(stream)
    return []
  }

  private mutating func request(_ stream: UInt32, _ range: HashRange) -> [Action] {
    guard let layout = streams[stream]?.layout, !layout.isSingleBlock else {
      return fault(stream, .badRequest)
    }
    guard range.start + range.count <= range.level.count(of: layout.size) else {
      return fault(stream, .badRequest)
    }
    guard hashes.count < settings.hashRequests else { return fault(stream, .busy) }
    hashes.append((stream, range))
    return []
  }

  private mutating func request(_ stream: UInt32, _ blocks: Range<Int>) -> [Action] {
    guard let layout = streams[stream]?.layout, !blocks.isEmpty,
      blocks.upperBound <= layout.blockCount
    else { return fault(stream, .badRequest) }
    guard queuedBlocks + blocks.count <= settings.credit else {
      var actions = fault(stream, .busy)
      if !isChoking {
        isChoking = true
        actions.append(.send(.choke))
      }
      return actions
    }
    if isHeld {
      late += blocks.count
      guard late <= settings.lateBlocks else { return fault(stream, .busy) }
    }
    if streams[stream]?.queue.isEmpty ?? true { turns.append(stream) }
    streams[stream]?.queue.append(blocks)
    queuedBlocks += blocks.count
    return []
  }

  private mutating func cancel(_ stream: UInt32, _ blocks: Range<Int>) -> [Action] {
    guard let queue = streams[stream]?.queue else { return [] }
    if blocks.isEmpty {
      close(stream)
      return relent()
    }
    var kept: Deque<Range<Int>> = []
    for range in queue {
      let before =
        range.lowerBound..<max(range.lowerBound, min(range.upperBound, blocks.lowerBound))
      let after = min(range.upperBound, max(range.lowerBound, blocks.upperBound))..<range.upperBound
      let remaining = [before, after].filter { !$0.isEmpty }
      queuedBlocks -= range.count - remaining.reduce(0) { $0 + $1.count }
      kept.append(contentsOf: remaining)
    }
    streams[stream]?.queue = kept
    if kept.isEmpty { turns.removeAll { $0 == stream } }
    return relent()
  }

  private mutating func close(_ stream: UInt32) {
    for range in streams[stream]?.queue ?? [] { queuedBlocks -= range.count }
    streams[stream] = nil
    turns.removeAll { $0 == stream }
    hashes.removeAll { $0.stream == stream }
    descriptions.removeAll { $0 == stream }
  }

  private mutating func fault(
    _ stream: UInt32, _ reason: TransferFrame.Rejection
  ) -> [Action] {
    faults += 1
    guard faults <= settings.patience else { return [.close(.violation)] }
    return [.send(.reject(stream: stream, reason))]
  }
}
