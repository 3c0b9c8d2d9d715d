import Cryptography
public import Wire

extension FetchMachine {
  /// When `tick` has something to do; nil once the fetch ended.
  public var nextDeadline: Instant? {
    guard !isFinished else { return nil }
    // The heartbeat finds what becomes late or slow without an event of its own.
    var next = min(lastProgress + settings.stallTime, clock + .milliseconds(250))
    for key in order {
      guard let peer = peers[key] else { continue }
      if let deadline = deadline(of: peer) { next = min(next, deadline) }
      if case .candidate(let notBefore) = peer.state, notBefore > clock {
        next = min(next, notBefore)
      }
    }
    return next
  }

  /// Drops who is too late or too slow and gives their blocks to others.
  public mutating func tick(_ now: Instant) -> [Action] {
    guard !isFinished else { return [] }
    if now - lastProgress >= settings.stallTime { return finish(.failed(.stalled)) }
    var actions: [Action] = []
    for key in order {
      guard let peer = peers[key], let deadline = deadline(of: peer), deadline <= now else {
        continue
      }
      let isChoking = peer.isChoked && peer.owed.isEmpty && peer.owedHashes == nil
      release(key, now: now)
      actions.append(.leave(key, isChoking ? .choking : .silent))
    }
    actions += dropSlow(now)
    return actions + advance(now)
  }

  /// When a peer that still owes something is given up; nil if it owes nothing.
  func deadline(of peer: FetchPeer) -> Instant? {
    switch peer.state {
    case .candidate, .exhausted, .banned: return nil
    case .connecting(let since): return since + settings.connectTime
    case .asked(let since): return since + settings.answerTime
    case .ready:
      var deadline: Instant?
      if let owed = peer.owedHashes { deadline = owed.since + settings.answerTime }
      if !peer.owed.isEmpty {
        let silence = peer.lastHeard + patience(with: peer)
        deadline = min(deadline ?? silence, silence)
      }
      if peer.isChoked {
        let choke = peer.chokedSince + settings.chokeTime
        deadline = min(deadline ?? choke, choke)
      }
      return deadline
    }
  }

  /// How long a peer that owes blocks may be silent.
  private func patience(with peer: FetchPeer) -> Duration {
    var patience = settings.silence
    if let rate = peer.rate.value, rate > 0 {
      let block = Double(Limits.block) / rate
      let adaptive = Duration.nanoseconds(Int64(min(block * 20, 3_600) * 1e9))
      patience = min(patience, max(adaptive, settings.shortestSilence))
    } else {
      patience = max(patience, settings.answerTime)
    }
    if let ceiling, ceiling > 0 {
      let blocks = Double(2 * max(1, readyPeers) * Limits.block)
      let slowest = min(blocks / Double(ceiling), 3_600) * 1e9
      patience += .nanoseconds(Int64(slowest))
    }
    return patience
  }

  /// Leaves the peers under a tenth of the median rate, if others are there to replace them.
  private mutating func dropSlow(_ now: Instant) -> [Action] {
    var rates: [Double] = []
    for key in order {
      if let peer = peers[key], peer.isReady, let rate = peer.rate.value { rates.append(rate) }
    }
    guard rates.count >= 3 else { return [] }
    rates.sort()
    let floor = rates[rates.count / 2] / 10
    var actions: [Action] = []
    for key in order {
      guard let peer = peers[key], case .ready(let since) = peer.state,
        now - since >= settings.trial, let rate = peer.rate.value, rate < floor
      else { continue }
      release(key, now: now)
      actions.append(.leave(key, .slow))
    }
    return actions
  }

  /// Bans a peer; everything it owed goes to others.
  mutating func ban(_ key: PublicKey, for offence: Offence, now: Instant) -> [Action] {
    guard let peer = peers[key], peer.state != .banned else { return [] }
    release(key, now: now)
    peers[key]?.state = .banned
    return [.ban(key, offence)] + advance(now)
  }

  /// Makes an active peer a candidate again, after a wait, or gives it up.
  mutating func release(_ key: PublicKey, now: Instant) {
    releaseOwed(key)
    if assembly?.peer == key { assembly = nil }
    guard var peer = peers[key] else { return }
    peer.attempts += 1
    let wait = settings.backoff * (1 << min(peer.attempts - 1, 6))
    peer.state =
      peer.attempts >= settings.attempts ? .exhausted : .candidate(notBefore: now + wait)
    peer.isChoked = false
    peer.cancelled = []
    peer.rate = RateEstimate()
    peer.blocks = nil
    peers[key] = peer
  }

  /// Frees the blocks and digests that a peer owes.
  mutating func releaseOwed(_ key: PublicKey) {
    guard var peer = peers[key] else { return }
    let owed = peer.owed.keys.sorted()
    peer.owed = [:]
    for block in owed { peer.cancelled.insert(block) }
    if let hashes = peer.owedHashes {
      layer.release(hashes.range)
      peer.owedHashes = nil
    }
    peers[key] = peer
    for block in owed {
      owners[block]?.removeAll { $0 == key }
      releaseIfUnowned(block)
    }
  }

  /// Lets a block be asked for again if nobody owes it.
  mutating func releaseIfUnowned(_ block: Int) {
    guard owners[block]?.isEmpty ?? true else { return }
    owners[block] = nil
    guard !verified.contains(block), !checking.contains(block) else { return }
    taken.remove(block)
    cursor = min(cursor, block)
  }

  /// Connects to candidates until enough peers are active.
  mutating func connectMore(_ now: Instant) -> [Action] {
    var active = 0
    var late = 0
    var actions = leaveSpent()
    for key in order {
      guard let peer = peers[key], peer.isActive else { continue }
      active += 1
      switch peer.state {
      case .connecting(let since), .asked(let since):
        if now - since >= settings.hedgeTime { late += 1 }
      case .ready:
        let isIdle = peer.blocks != nil && peer.owed.isEmpty
        if peer.isChoked || peer.restUntil > now || isIdle { late += 1 }
      case .candidate, .exhausted, .banned: break
      }
    }
    let left = layout.blockCount - verified.count
    let useful = layout.isSingleBlock ? 1 : max(2, (left + 15) / 16)
    let target = min(settings.activePeers, useful + late)
    for key in order where active < target {
      guard case .candidate(let notBefore)? = peers[key]?.state, notBefore <= now else { continue }
      peers[key]?.state = .connecting(since: now)
      actions.append(.connect(key))
      active += 1
    }
    return actions
  }

  /// Leaves the peers that have no block which is still missing: they only take a place.
  private mutating func leaveSpent() -> [Action] {
    var actions: [Action] = []
    for key in order {
      guard let peer = peers[key], peer.isReady, let blocks = peer.blocks, peer.owed.isEmpty else {
        continue
      }
      var missing = verified.firstMissing()
      while let block = missing, !blocks.contains(block) {
        missing = verified.firstMissing(from: block + 1)
      }
      guard missing == nil else { continue }
      releaseOwed(key)
      peers[key]?.state = .exhausted
      actions.append(.leave(key, .notThere))
    }
    return actions
  }
}
