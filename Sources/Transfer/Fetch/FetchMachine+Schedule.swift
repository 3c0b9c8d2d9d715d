import Cryptography
import Wire

extension FetchMachine {
  /// Does everything that has become possible.
  mutating func advance(_ now: Instant) -> [Action] {
    guard !isFinished else { return [] }
    clock = max(clock, now)
    if verified.isFull { return finish(.complete) }
    var actions = connectMore(now)
    if !isLayerKept, let layers = layer.layers {
      isLayerKept = true
      actions.append(.keep(layers))
    }
    actions += requestHashes(now)
    if layer.isComplete {
      var assigned = assign(now)
      duplicate(now, into: &assigned)
      actions += requests(assigned)
    }
    if checking.isEmpty, !hasHope { return actions + finish(.failed(.noProviders)) }
    return actions
  }

  /// Whether any peer serves or may yet serve.
  private var hasHope: Bool {
    for key in order {
      switch peers[key]?.state {
      case .candidate, .connecting, .asked, .ready: return true
      case .exhausted, .banned, nil: continue
      }
    }
    return false
  }

  /// Gives free blocks to the peers that will be done with them first.
  private mutating func assign(_ now: Instant) -> [PublicKey: [Int]] {
    var assigned: [PublicKey: [Int]] = [:]
    guard !taken.isFull else { return assigned }
    // A window is refilled by quarters: one request for many blocks instead of one for each.
    var willing = order.filter { key in
      guard canServe(key, now), let peer = peers[key] else { return false }
      let window = window(of: peer)
      return peer.owed.count <= window - max(1, window / 4)
    }
    guard !willing.isEmpty else { return assigned }
    let usual = usualRate
    while !willing.isEmpty, !taken.isFull {
      var best: (index: Int, finish: Double)?
      for (index, key) in willing.enumerated() {
        guard let peer = peers[key], peer.owed.count < window(of: peer) else { continue }
        let finish = finishTime(of: peer, usual: usual)
        if finish < best?.finish ?? .infinity { best = (index, finish) }
      }
      guard let best else { break }
      let key = willing[best.index]
      guard isHelpful(key, finish: best.finish, now), let block = nextBlock(for: key, now) else {
        willing.remove(at: best.index)
        continue
      }
      owe(block, by: key, now: now)
      assigned[key, default: []].append(block)
    }
    return assigned
  }

  /// End-game: on the last two pieces an idle peer is asked for what slower ones still owe.
  private mutating func duplicate(_ now: Instant, into assigned: inout [PublicKey: [Int]]) {
    let left = layout.blockCount - verified.count
    guard taken.isFull, left <= 2 * BlockLayout.blocksPerPiece else { return }
    let usual = usualRate
    for key in order where canServe(key, now) {
      guard let peer = peers[key], peer.owed.isEmpty, peer.credit > 0 else { continue }
      var late: [(asked: Instant, block: Int)] = []
      for (block, holders) in owners where holders.count == 1 && peer.has(block) {
        guard let holder = holders.first, holder != key, !checking.contains(block),
          let owner = peers[holder], let asked = owner.owed[block]
        else { continue }
        let isLate = now - asked >= settings.hedgeTime
        let isSlower = finishTime(of: owner, usual: usual) > 2 * finishTime(of: peer, usual: usual)
        if isLate || (isSlower && owner.rate.value != nil) { late.append((asked, block)) }
      }
      late.sort { ($0.asked, $0.block) < ($1.asked, $1.block) }
      for (_, block) in late.prefix(min(4, peer.credit)) {
        owe(block, by: key, now: now)
        assigned[key, default: []].append(block)
      }
    }
  }

  /// Notes that a peer owes a block from now on.
  mutating func owe(_ block: Int, by key: PublicKey, now: Instant) {
    taken.insert(block)
    owners[block, default: []].append(key)
    if peers[key]?.owed.isEmpty ?? true { peers[key]?.lastHeard = now }
    peers[key]?.owed[block] = now
    peers[key]?.cancelled.remove(block)
  }

  private func requests(_ assigned: [PublicKey: [Int]]) -> [Action] {
    var actions: [Action] = []
    for key in order {
      guard let blocks = assigned[key]?.sorted(), var start = blocks.first else { continue }
      var end = start
      for block in blocks {
        if block > end {
          actions.append(.request(key, start..<end))
          start = block
        }
        end = block + 1
      }
      actions.append(.request(key, start..<end))
    }
    return actions
  }

  private func canServe(_ key: PublicKey, _ now: Instant) -> Bool {
    guard let peer = peers[key] else { return false }
    return peer.isReady && !peer.isChoked && peer.restUntil <= now
  }

  /// How many blocks a peer may owe: enough for the horizon at its rate.
  private func window(of peer: FetchPeer) -> Int {
    let most = min(settings.largestWindow, peer.credit)
    guard let rate = peer.rate.value else { return min(settings.firstWindow, most) }
    let wanted = rate * settings.horizon.inSeconds / Double(Limits.block)
    return min(most, Int(min(wanted, 1e6)) + 2)
  }

  /// The median of the known rates, for peers whose own is not known yet; in bytes a second.
  private var usualRate: Double {
    var rates: [Double] = []
    for key in order { if let rate = peers[key]?.rate.value { rates.append(rate) } }
    guard !rates.isEmpty else { return 4e6 }
    rates.sort()
    return max(rates[rates.count / 2], 1)
  }

  /// Seconds until a peer would be done with one block more than it owes.
  private func finishTime(of peer: FetchPeer, usual: Double) -> Double {
    let owed = Double((peer.owed.count + 1) * Limits.block)
    return owed / max(peer.rate.value ?? usual, 1)
  }

  /// Whether the others would not be done with all free blocks before this peer is with one.
  private func isHelpful(_ key: PublicKey, finish: Double, _ now: Instant) -> Bool {
    guard peers[key]?.rate.value != nil else { return true }
    let free = Double((layout.blockCount - taken.count) * Limits.block)
    var others = 0.0
    for other in order where other != key && canServe(other, now) {
      guard let peer = peers[other], peer.blocks == nil, let rate = peer.rate.value else {
        continue
      }
      others += max(0, rate * finish - Double(peer.owed.count * Limits.block))
    }
    return free > others
  }

  /// The free block that a peer should bring: the rarest of the first it has, else the first.
  private mutating func nextBlock(for key: PublicKey, _ now: Instant) -> Int? {
    let serving = order.filter { canServe($0, now) }
    cursor = taken.firstMissing(from: cursor) ?? layout.blockCount
    guard serving.contains(where: { peers[$0]?.blocks != nil }) else {
      return cursor < layout.blockCount ? cursor : nil
    }
    var best: (block: Int, holders: Int)?
    var seen = 0
    var next: Int? = cursor
    while let block = next, block < layout.blockCount, seen < 256 {
      if peers[key]?.has(block) ?? false {
        seen += 1
        let holders = serving.count { peers[$0]?.has(block) ?? false }
        if holders < best?.holders ?? .max { best = (block, holders) }
      }
      next = taken.firstMissing(from: block + 1)
    }
    return best?.block
  }
}
