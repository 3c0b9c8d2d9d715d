import CoreMetrics
import Cryptography
import DequeModule
import Synchronization
import Transfer
import Wire

/// One connection with a peer, over which either side asks and serves.
///
/// Frames to send are queued without waiting; one task writes them, control frames before blocks, and
/// one task reads. Both end with the connection.
final class PeerConnection: Sendable {
  struct State {
    var control: Deque<OutboundFrame> = []
    var serve: ServeMachine
    var streams: [UInt32: FetchDriver] = [:]
    var lastStream: UInt32 = 0
    var strays = 0
    var credit = 0
    var isChoked = false
    var isEnding = false
    var isClosed = false
    var sendAfter = Instant.zero
    var heardAt: Instant
    var sent: UInt64 = 0
    var received: UInt64 = 0
  }

  private static let numbers = Atomic<UInt64>(0)
  /// The control frames that may wait for the other side to read.
  private static let controlBound = 1_024

  /// Names the connection among those of this process.
  let number = PeerConnection.numbers.add(1, ordering: .relaxed).newValue
  let key: PublicKey
  let address: Address?
  let isOutgoing: Bool
  /// By what way it goes.
  let mark: WayMark
  /// Whether the other side is of the local network; an address that is not known is not.
  let isLocal: Bool
  let context: TransferContext
  let pool: ConnectionPool
  let upload: RateLimiter
  let download: RateLimiter
  let window: SendWindow
  let state: Mutex<State>
  let bell: AsyncStream<Void>
  private let ring: AsyncStream<Void>.Continuation

  /// The bytes of blobs that went out and came in.
  var traffic: (sent: UInt64, received: UInt64) {
    state.withLock { ($0.sent, $0.received) }
  }

  init(
    key: PublicKey, stream: PeerStream, context: TransferContext, pool: ConnectionPool
  ) {
    self.pool = pool
    self.key = key
    address = stream.address
    isOutgoing = stream.isOutgoing
    mark = stream.mark
    window = stream.window
    self.context = context
    isLocal = stream.address.map { context.settings.isLocal($0.ip) } ?? false
    upload = RateLimiter(rate: context.settings.uploadLimitPerPeer, clock: context.clock)
    download = RateLimiter(rate: context.settings.downloadLimitPerPeer, clock: context.clock)
    state = Mutex(
      State(
        serve: ServeMachine(settings: context.settings.serving), heardAt: context.clock.now))
    (bell, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    window.notify { [ring] in ring.yield() }
  }

  /// The blocks that one fetch may have outstanding here.
  var credit: Int { state.withLock { max(1, $0.credit / max(1, context.settings.fetches)) } }

  /// Queues a frame; a peer that lets too many pile up loses the connection.
  func send(_ frame: TransferFrame) {
    state.withLock { state in
      guard !state.isEnding else { return }
      state.control.append(.frame(frame))
      if state.control.count > Self.controlBound {
        state.control = []
        state.isEnding = true
      }
    }
    ring.yield()
  }

  /// Sends a last frame and ends the connection.
  func close(_ reason: TransferFrame.Goodbye) {
    state.withLock { state in
      guard !state.isEnding else { return }
      state.control.append(.frame(.goodbye(reason)))
      state.isEnding = true
    }
    ring.yield()
  }

  /// Ends the connection if it goes by datagrams and nothing came over it either: where a TCP connection
  /// would be reset, a node that is gone lets a stream wait for half a minute.
  func closeIfSilent() {
    guard mark.way != .tcp else { return }
    let heardAt = state.withLock { $0.heardAt }
    guard context.clock.now - heardAt >= context.settings.fetching.shortestSilence else { return }
    close(.done)
  }

  /// Begins a stream for a fetch with its WANT; nil if the connection is ending.
  ///
  /// Both in one step: a server takes only rising stream numbers, and many fetches begin at once.
  func want(_ root: ContentRoot, for driver: FetchDriver) -> UInt32? {
    let stream = state.withLock { state -> UInt32? in
      guard !state.isEnding, !state.isClosed, state.lastStream < .max else { return nil }
      state.lastStream += 1
      state.streams[state.lastStream] = driver
      let frame = TransferFrame.want(stream: state.lastStream, root: root)
      state.control.append(.frame(frame))
      return state.lastStream
    }
    ring.yield()
    return stream
  }

  /// Ends a stream of ours.
  func closeStream(_ stream: UInt32) {
    let wasOpen = state.withLock { $0.streams.removeValue(forKey: stream) != nil }
    if wasOpen { send(.cancel(stream: stream, blocks: 0..<0)) }
  }

  /// Stops serving blocks, or goes on; digests and blobs of one block are always served.
  func hold(_ held: Bool) {
    for action in state.withLock({ $0.serve.hold(held) }) {
      if case .send(let frame) = action { send(frame) }
    }
    wake()
  }

  /// Whether the other side has streams open to us.
  var isAsked: Bool { state.withLock { $0.serve.openStreams > 0 } }

  /// Whether the other side takes no requests now.
  var isChoked: Bool { state.withLock { $0.isChoked } }

  /// Marks the connection closed; returns the fetches that used it.
  func closed() -> [FetchDriver] {
    let drivers = state.withLock { state in
      state.isClosed = true
      state.isEnding = true
      let drivers = Array(state.streams.values)
      state.streams = [:]
      return drivers
    }
    ring.finish()
    return drivers
  }

  /// Whether no stream can be opened any more.
  var isEnding: Bool { state.withLock { $0.isEnding || $0.isClosed } }

  /// Wakes the writing task.
  func wake() {
    ring.yield()
  }
}

/// What the connections of one service share.
struct TransferContext: Sendable {
  let settings: TransferSettings
  let store: any BlobStore
  let clock: TransferClock
  let metrics: TransferMetrics
  let upload: RateLimiter
  let download: RateLimiter
  /// Whether nodes beyond the local network are served now.
  let reach: Reach

  /// The rate below which no peer can be read, because of the limits; nil for any.
  var slowestDownload: UInt64? {
    [download.rate, settings.downloadLimitPerPeer].compactMap { $0 }.min()
  }

  /// A switch that the connections look at.
  final class Reach: Sendable {
    private let isWide: Atomic<Bool>

    init(beyondLAN: Bool) {
      isWide = Atomic(beyondLAN)
    }

    /// Whether nodes beyond the local network are served.
    var isBeyondLAN: Bool {
      get { isWide.load(ordering: .relaxed) }
      set { isWide.store(newValue, ordering: .relaxed) }
    }
  }
}
