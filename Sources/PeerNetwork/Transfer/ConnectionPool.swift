import CoreMetrics
import Cryptography
import Synchronization
import Transfer
import Wire

/// The open connections by node key, the fetches that wait for one, and the banned nodes.
final class ConnectionPool: Sendable {
  /// What a fetch gets when it wants a connection.
  enum Answer {
    case open(PeerConnection)
    case opening
    case banned
    case refused
  }

  private struct State {
    var connections: [PublicKey: [PeerConnection]] = [:]
    var count = 0
    /// Bytes of blobs over connections that are closed.
    var closed = (sent: UInt64(0), received: UInt64(0))
    var waiting: [PublicKey: [FetchDriver]] = [:]
    var bans: BanList
    /// When nodes without relays last answered no datagram.
    var deaf: [PublicKey: Instant] = [:]
    /// The connections by their number in the slots.
    var numbered: [UInt64: PeerConnection] = [:]
    var slots: UnchokeSlots
  }

  /// The connections that one node may have with us: both sides may connect at the same time.
  private static let perNode = 4
  /// The connections that may wait to be opened.
  private static let openingBound = 512

  let jobs: AsyncStream<TransferService.Provider>
  private let job: AsyncStream<TransferService.Provider>.Continuation
  private let state: Mutex<State>
  /// The connections whose other side wants blobs from us.
  private let askers = Atomic<Int>(0)
  private let context: TransferContext

  init(context: TransferContext) {
    self.context = context
    state = Mutex(
      State(
        bans: BanList(capacity: context.settings.bans, term: context.settings.banTime),
        slots: UnchokeSlots(settings: context.settings.slots)))
    (jobs, job) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.openingBound))
  }

  /// An open connection to a provider, or the promise that the fetch hears of one.
  func connection(to provider: TransferService.Provider, for driver: FetchDriver) -> Answer {
    let now = context.clock.now
    return state.withLock { state in
      let key = provider.key
      if state.bans.ban(of: key, now: now) != nil { return .banned }
      if let open = state.connections[key]?.last(where: { !$0.isEnding }) { return .open(open) }
      if let drivers = state.waiting[key] {
        if !drivers.contains(where: { $0 === driver }) {
          state.waiting[key]?.append(driver)
        }
        return .opening
      }
      guard state.count < context.settings.connections,
        case .enqueued = job.yield(provider)
      else { return .refused }
      state.waiting[key] = [driver]
      return .opening
    }
  }

  /// Takes in a connection whose peer greeted us; returns why not, or who waited for it.
  func admit(
    _ connection: PeerConnection
  ) -> (refusal: TransferFrame.Goodbye?, waiting: [FetchDriver]) {
    let now = context.clock.now
    return state.withLock { state in
      let key = connection.key
      if state.bans.ban(of: key, now: now) != nil { return (.banned, []) }
      let siblings = state.connections[key]?.count ?? 0
      guard state.count < context.settings.connections, siblings < Self.perNode else {
        return (.busy, [])
      }
      state.connections[key, default: []].append(connection)
      state.count += 1
      state.numbered[connection.number] = connection
      state.slots.add(connection.number, isLocal: connection.isLocal)
      context.metrics.connections.record(state.count)
      return (nil, state.waiting.removeValue(forKey: key) ?? [])
    }
  }

  /// The bytes of blobs that went out and came in over all connections since the start.
  var traffic: (sent: UInt64, received: UInt64) {
    var total = state.withLock { $0.closed }
    for connection in connections {
      let traffic = connection.traffic
      total.sent += traffic.sent
      total.received += traffic.received
    }
    return total
  }

  /// Whether a conversation with a node stands.
  func isConnected(to key: PublicKey) -> Bool {
    state.withLock { $0.connections[key]?.contains { !$0.isEnding } ?? false }
  }

  /// The nodes to which there is a connection by way of a relay, and no other.
  var relayed: Set<PublicKey> {
    state.withLock { state in
      let ways = state.connections.filter { entry in
        entry.value.allSatisfy { $0.mark.way == .relayed }
      }
      return Set(ways.keys)
    }
  }

  /// Forgets a connection that is closed.
  func remove(_ connection: PeerConnection) {
    state.withLock { state in
      let key = connection.key
      guard let at = state.connections[key]?.firstIndex(where: { $0 === connection }) else {
        return
      }
      state.numbered[connection.number] = nil
      state.connections[key]?.remove(at: at)
      if state.connections[key]?.isEmpty ?? false { state.connections[key] = nil }
      state.count -= 1
      let traffic = connection.traffic
      state.closed.sent += traffic.sent
      state.closed.received += traffic.received
      context.metrics.connections.record(state.count)
      let changes = state.slots.remove(connection.number)
      askers.store(state.slots.interestedCount, ordering: .relaxed)
      Self.apply(changes, state)
    }
  }

  /// Notes whether the other side of a connection wants blobs from us now.
  func interest(of connection: PeerConnection) {
    state.withLock { state in
      let changes = state.slots.interest(connection.number, connection.isAsked)
      askers.store(state.slots.interestedCount, ordering: .relaxed)
      Self.apply(changes, state)
    }
  }

  /// The blocks that one connection reads and writes at once: fewer where many are served, so that
  /// their buffers together stay small.
  var run: Int { askers.load(ordering: .relaxed) <= Self.fewAskers ? Self.longestRun : 1 }

  /// With its frames the longest run fills, and does not pass, a buffer of 256 KiB.
  private static let longestRun = 3
  private static let fewAskers = 8

  /// Gives the slots anew when their turn is over.
  func turn() {
    let now = context.clock.now
    let connections = state.withLock { state in
      state.slots.nextDeadline <= now ? Array(state.numbered.values) : []
    }
    guard !connections.isEmpty else { return }
    var traffic: [UInt64: UnchokeSlots.Traffic] = [:]
    for connection in connections {
      let (sent, received) = connection.traffic
      traffic[connection.number] = .init(sent: sent, received: received)
    }
    let known = traffic
    state.withLock { state in
      let changes = state.slots.tick(now, traffic: known)
      Self.apply(changes, state)
    }
  }

  /// Under the lock, so that an older change never overtakes a newer one.
  private static func apply(_ changes: [UnchokeSlots.Change], _ state: State) {
    for change in changes { state.numbered[change.asker]?.hold(!change.isOpen) }
  }

  /// Notes that a node answered no datagram.
  func answeredNothing(_ key: PublicKey) {
    let now = context.clock.now
    state.withLock { state in
      if state.deaf.count >= Self.deafBound {
        state.deaf = state.deaf.filter { now - $0.value < context.settings.deafTime }
        guard state.deaf.count < Self.deafBound else { return }
      }
      state.deaf[key] = now
    }
  }

  /// Whether a node answered no datagram a moment ago: a fetch that tries it again soon need not wait for
  /// that again.
  func isDeaf(_ key: PublicKey) -> Bool {
    let now = context.clock.now
    return state.withLock { $0.deaf[key].map { now - $0 < context.settings.deafTime } ?? false }
  }

  private static let deafBound = 256

  /// Notes that no connection could be opened; returns who waited for it.
  func failed(_ key: PublicKey) -> [FetchDriver] {
    state.withLock { $0.waiting.removeValue(forKey: key) ?? [] }
  }

  /// Bans a node and ends its connections.
  func ban(_ key: PublicKey, for offence: Offence) {
    let now = context.clock.now
    let connections = state.withLock { state in
      state.bans.ban(key, for: offence, now: now)
      return state.connections[key] ?? []
    }
    context.metrics.bans.increment()
    for connection in connections { connection.close(.banned) }
  }

  /// Ends a ban.
  func lift(_ key: PublicKey) {
    state.withLock { $0.bans.lift(key) }
  }

  /// Whether the node is banned now.
  func isBanned(_ key: PublicKey) -> Bool {
    let now = context.clock.now
    return state.withLock { $0.bans.ban(of: key, now: now) != nil }
  }

  /// The bans that last.
  var bans: [(key: PublicKey, entry: BanList.Entry)] {
    let now = context.clock.now
    return state.withLock { $0.bans.current(now: now) }
  }

  /// The bans that last, to be written down.
  func encodedBans(at wall: Timestamp) -> [UInt8] {
    let now = context.clock.now
    return state.withLock { $0.bans.encoded(now: now, wall: wall) }
  }

  /// Takes in what was written down.
  func restoreBans(_ bytes: [UInt8], at wall: Timestamp) {
    let now = context.clock.now
    state.withLock { $0.bans.restore(bytes, now: now, wall: wall) }
  }

  /// The open connections.
  var connections: [PeerConnection] {
    state.withLock { $0.connections.values.flatMap { $0 } }
  }
}
