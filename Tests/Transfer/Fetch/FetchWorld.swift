import Cryptography
import Transfer
import Wire

/// Peers of every kind around one fetch, in virtual time.
struct FetchWorld {
  /// How a peer behaves.
  enum Kind: Equatable {
    case honest
    /// Its connection is lost after every so many blocks.
    case flaky(Int)
    /// It stops sending after so many blocks, for good.
    case stalling(Int)
    /// One block in so many is wrong.
    case liar(Int)
    /// It says another size.
    case wrongSize
    /// Its layers are wrong.
    case wrongLayer
    /// It has a bit set of another blob.
    case wrongBitmap
    /// It sends blocks that nobody asked for.
    case pushing
    /// Its blocks are too short.
    case short
    /// It refuses connections.
    case closed
    /// It accepts connections and never answers.
    case mute
    /// It does not have the blob.
    case without
    /// It chokes after every so many requests, and lets go after two seconds.
    case choking(Int)
    /// It has every other block.
    case partial

    var lies: Bool {
      switch self {
      case .liar, .wrongSize, .wrongLayer, .wrongBitmap, .pushing, .short: true
      default: false
      }
    }
  }

  struct Peer {
    var kind: Kind
    var bytesPerSecond: Double
    var latency: Duration
    var epoch = 0
    var free = Instant.zero
    var pending: Set<Int> = []
    var sent = 0
    var isBanned = false
  }

  enum Event {
    case joined, lost, have, choked, unchoked
    case hashes(HashRange)
    case block(Int)
    case wrote(Int), bad(Int)
  }

  struct Scheduled {
    var at: Instant
    var order: Int
    var peer: PublicKey
    var epoch: Int
    var event: Event
  }

  enum Outcome: Equatable { case complete, failed(FetchMachine.Failure), endless }

  let layout: BlockLayout
  let digests: [Bytes32]
  let root: ContentRoot
  var peers: [PublicKey: Peer] = [:]
  var keys: [PublicKey] = []
  var machine: FetchMachine
  var now = Instant.zero
  var random: SplitMix64
  var queue: [Scheduled] = []
  var scheduled = 0
  var outcome: Outcome?
  /// What must never happen, in words.
  var wrongs: [String] = []
  var keptLayers = 0
  /// Blocks that were asked for before the layer was complete would show here.
  var requests = 0

  /// Blocks that came in and were to be checked.
  var delivered = 0

  init(
    size: UInt64, seed: UInt64, settings: FetchSettings = FetchSettings(),
    resumed: PartialContents? = nil
  ) {
    guard let layout = BlockLayout(size: size) else { preconditionFailure("size \(size)") }
    var random = SplitMix64(seed: seed)
    self.layout = layout
    digests = (0..<layout.blockCount).map { _ in Bytes32.random(using: &random) }
    guard let root = layout.root(ofBlocks: digests) else { preconditionFailure("no root") }
    self.root = root
    machine = FetchMachine(
      root: root, layout: layout, resumed: resumed, settings: settings, now: .zero)
    if resumed?.layers != nil { keptLayers = 1 }
    self.random = random
  }

  @discardableResult
  mutating func add(
    _ kind: Kind, bytesPerSecond: Double = 6e6, latency: Duration = .milliseconds(10)
  ) -> PublicKey {
    let key = PublicKey(Bytes32.random(using: &random))
    peers[key] = Peer(kind: kind, bytesPerSecond: bytesPerSecond, latency: latency)
    keys.append(key)
    return key
  }

  /// Runs until the fetch ends; `endless` after an hour of virtual time or very many events.
  mutating func run(steps most: Int = 400_000) -> Outcome {
    for key in keys { perform(machine.add(key, now: now)) }
    perform(machine.begin(now: now))
    var steps = 0
    while outcome == nil {
      steps += 1
      guard steps < most, now < .zero + .seconds(3_600) else { return .endless }
      let deadline = machine.nextDeadline
      let first = queue.indices.min {
        (queue[$0].at, queue[$0].order) < (queue[$1].at, queue[$1].order)
      }
      if let first, deadline.map({ queue[first].at <= $0 }) ?? true {
        let next = queue.remove(at: first)
        now = max(now, next.at)
        handle(next)
      } else if let deadline {
        if deadline < now { wrongs.append("a deadline in the past") }
        now = max(now, deadline)
        perform(machine.tick(now))
      } else {
        return .endless
      }
    }
    return outcome ?? .endless
  }

  private mutating func schedule(_ event: Event, _ key: PublicKey, after delay: Duration) {
    schedule(event, key, at: now + delay)
  }

  private mutating func schedule(_ event: Event, _ key: PublicKey, at time: Instant) {
    scheduled += 1
    let epoch = peers[key]?.epoch ?? 0
    queue.append(Scheduled(at: time, order: scheduled, peer: key, epoch: epoch, event: event))
  }

  private mutating func handle(_ next: Scheduled) {
    guard let peer = peers[next.peer] else { return }
    let key = next.peer
    switch next.event {
    case .wrote(let block):
      perform(machine.wrote(block, from: key, now: now))
      return
    case .bad(let block):
      perform(machine.bad(block, from: key, now: now))
      return
    default:
      guard next.epoch == peer.epoch else { return }
    }
    switch next.event {
    case .joined: perform(machine.joined(key, credit: 128, now: now))
    case .lost:
      peers[key]?.epoch += 1
      peers[key]?.pending = []
      perform(machine.lost(key, now: now))
    case .have: answer(key, peer)
    case .choked: perform(machine.choked(key, now: now))
    case .unchoked: perform(machine.unchoked(key, now: now))
    case .hashes(let range): sendHashes(range, key, peer)
    case .block(let block): send(block, key, peer)
    case .wrote, .bad: break
    }
  }

  private mutating func answer(_ key: PublicKey, _ peer: Peer) {
    if peer.kind == .without {
      perform(machine.rejected(key, .notHere, now: now))
      return
    }
    var have = TransferFrame.Have(stream: 1, size: layout.size)
    if peer.kind == .wrongSize { have.size += 1 }
    if peer.kind == .wrongBitmap {
      have.blocks = BlockSet(full: layout.blockCount).bytes + [1]
    }
    if peer.kind == .partial {
      var blocks = BlockSet(capacity: layout.blockCount)
      for block in stride(from: 0, to: layout.blockCount, by: 2) { blocks.insert(block) }
      have.blocks = blocks.bytes
    }
    // Half of the peers send the layer along, the others want to be asked.
    if key.bytes.words.3 & 1 == 0, !layout.isSingleBlock {
      have.layer = .init(level: .block, digests: peer.kind == .wrongLayer ? wrong : digests)
    }
    perform(machine.have(have, from: key, now: now))
  }

  private var wrong: [Bytes32] { digests.map { $0 ^ Bytes32(words: (0, 0, 0, 1)) } }

  private mutating func sendHashes(_ range: HashRange, _ key: PublicKey, _ peer: Peer) {
    let blocks = peer.kind == .wrongLayer ? wrong : digests
    let all =
      range.level == .block
      ? blocks : MerkleLayers(blocks: blocks, size: layout.size)?.pieces ?? []
    let part = Array(all[range.indices])
    let actions = machine.hashes(part, level: range.level, start: range.start, from: key, now: now)
    perform(actions)
  }

  private mutating func send(_ block: Int, _ key: PublicKey, _ peer: Peer) {
    guard peers[key]?.pending.remove(block) != nil else { return }
    peers[key]?.sent += 1
    let sent = peer.sent + 1
    if case .flaky(let every) = peer.kind, sent % every == 0 {
      peers[key]?.epoch += 1
      peers[key]?.pending = []
      perform(machine.lost(key, now: now))
      return
    }
    let length = layout.length(ofBlock: block) - (peer.kind == .short ? 1 : 0)
    let index = peer.kind == .pushing && sent % 5 == 4 ? layout.blockCount - 1 - block : block
    let size = peer.kind == .pushing ? layout.length(ofBlock: index) : length
    let (arrival, actions) = machine.arrived(index, length: size, from: key, now: now)
    var isGood = true
    if case .liar(let every) = peer.kind, sent % every == 0 { isGood = false }
    if case .check(let digest) = arrival {
      delivered += 1
      if digest != digests[index] { wrongs.append("block \(index) has another digest") }
      schedule(isGood ? .wrote(index) : .bad(index), key, after: .milliseconds(1))
    }
    perform(actions)
  }

  private mutating func perform(_ actions: [FetchMachine.Action]) {
    for action in actions {
      if outcome != nil { wrongs.append("\(action) after the end") }
      switch action {
      case .connect(let key): connect(key)
      case .want(let key):
        guard let peer = permitted(key), peer.kind != .mute else { continue }
        schedule(.have, key, after: peer.latency)
      case .requestHashes(let key, let range):
        guard let peer = permitted(key) else { continue }
        schedule(.hashes(range), key, after: peer.latency)
      case .request(let key, let blocks): request(key, blocks)
      case .cancel(let key, let blocks): peers[key]?.pending.subtract(blocks)
      case .keep(let layers):
        keptLayers += 1
        if layers.blocks != digests { wrongs.append("a wrong layer was kept") }
      case .leave(let key, _):
        peers[key]?.epoch += 1
        peers[key]?.pending = []
      case .ban(let key, let offence):
        if !(peers[key]?.kind.lies ?? false) {
          wrongs.append("an honest peer is banned: \(offence)")
        }
        peers[key]?.isBanned = true
        peers[key]?.epoch += 1
        peers[key]?.pending = []
      case .complete: outcome = .complete
      case .failed(let failure): outcome = .failed(failure)
      }
    }
  }

  private mutating func permitted(_ key: PublicKey) -> Peer? {
    if peers[key]?.isBanned ?? true { wrongs.append("a banned peer is used") }
    return peers[key]
  }

  private mutating func connect(_ key: PublicKey) {
    guard let peer = permitted(key) else { return }
    peers[key]?.epoch += 1
    peers[key]?.free = now
    switch peer.kind {
    case .closed: schedule(.lost, key, after: peer.latency)
    default: schedule(.joined, key, after: peer.latency)
    }
  }

  private mutating func request(_ key: PublicKey, _ blocks: Range<Int>) {
    guard let peer = permitted(key) else { return }
    if keptLayers == 0, !layout.isSingleBlock { wrongs.append("a request before the layer") }
    for block in blocks {
      requests += 1
      if peer.kind == .partial, block % 2 == 1 { wrongs.append("a block the peer lacks") }
      if machine.verified.contains(block) { wrongs.append("block \(block) is here already") }
      if case .stalling(let after) = peer.kind, requestsOf(key) >= after { continue }
      let start = max(peers[key]?.free ?? now, now + peer.latency)
      let took = Double(layout.length(ofBlock: block)) / peer.bytesPerSecond
      let end = start + .nanoseconds(Int64(took * 1e9))
      peers[key]?.free = end
      peers[key]?.pending.insert(block)
      schedule(.block(block), key, at: end)
    }
    if case .choking(let every) = peer.kind, requests % every == 0 {
      schedule(.choked, key, after: peer.latency)
      schedule(.unchoked, key, after: .seconds(2))
    }
  }

  private func requestsOf(_ key: PublicKey) -> Int {
    (peers[key]?.sent ?? 0) + (peers[key]?.pending.count ?? 0)
  }
}
