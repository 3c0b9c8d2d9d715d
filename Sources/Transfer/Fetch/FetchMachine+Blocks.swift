public import Cryptography
public import Wire

extension FetchMachine {
  /// Judges a block that arrived, before it is hashed.
  public mutating func arrived(
    _ block: Int, length: Int, from peer: PublicKey, now: Instant
  ) -> (arrival: Arrival, actions: [Action]) {
    let (arrivals, actions) = arrived([(block, length)], from: peer, now: now)
    return (arrivals.first ?? .drop, actions)
  }

  /// Judges blocks that arrived together, before they are hashed: one arrival for each, in order.
  ///
  /// After one that is refused the rest are dropped.
  public mutating func arrived(
    _ blocks: [(index: Int, length: Int)], from peer: PublicKey, now: Instant
  ) -> (arrivals: [Arrival], actions: [Action]) {
    var arrivals: [Arrival] = []
    arrivals.reserveCapacity(blocks.count)
    for (block, length) in blocks {
      let (arrival, offence) = judge(block, length: length, from: peer, now: now)
      arrivals.append(arrival)
      guard let offence else { continue }
      let actions = ban(peer, for: offence, now: now)
      arrivals += [Arrival](repeating: .drop, count: blocks.count - arrivals.count)
      return (arrivals, actions)
    }
    return (arrivals, advance(now))
  }

  private mutating func judge(
    _ block: Int, length: Int, from peer: PublicKey, now: Instant
  ) -> (arrival: Arrival, offence: Offence?) {
    guard !isFinished, let state = peers[peer]?.state, case .ready = state else {
      return (.drop, nil)
    }
    guard let asked = peers[peer]?.owed.removeValue(forKey: block) else {
      if peers[peer]?.cancelled.remove(block) != nil { return (.drop, nil) }
      return (.refused, .unasked)
    }
    owners[block]?.removeAll { $0 == peer }
    guard length == layout.length(ofBlock: block) else {
      releaseIfUnowned(block)
      return (.refused, .badLength(block: block, length))
    }
    note(length, asked: asked, from: peer, now: now)
    guard !verified.contains(block), !checking.contains(block),
      let digest = layer.digest(ofBlock: block)
    else { return (.drop, nil) }
    checking.insert(block)
    return (.check(digest), nil)
  }

  /// Notes that a block's digest is right and the block is in the store.
  public mutating func wrote(_ block: Int, from peer: PublicKey, now: Instant) -> [Action] {
    wrote([block], from: peer, now: now)
  }

  /// Notes that the digests of blocks are right and the blocks are in the store.
  public mutating func wrote(_ blocks: [Int], from peer: PublicKey, now: Instant) -> [Action] {
    guard !isFinished else { return [] }
    var actions: [Action] = []
    for block in blocks where verified.insert(block) {
      checking.remove(block)
      taken.insert(block)
      lastProgress = now
      peers[peer]?.bytes += UInt64(layout.length(ofBlock: block))
      peers[peer]?.attempts = 0
      for owner in owners.removeValue(forKey: block) ?? [] where owner != peer {
        guard peers[owner]?.owed.removeValue(forKey: block) != nil else { continue }
        peers[owner]?.cancelled.insert(block)
        actions.append(.cancel(owner, block..<block + 1))
      }
    }
    return actions + advance(now)
  }

  /// Notes that blocks which were to be hashed are not going to be; those that were written stay.
  public mutating func unchecked(_ blocks: [Int]) {
    for block in blocks where checking.remove(block) != nil { releaseIfUnowned(block) }
  }

  /// Feeds the peer's rate: the time since its last block, or since it began to owe this one.
  private mutating func note(_ length: Int, asked: Instant, from peer: PublicKey, now: Instant) {
    guard let heard = peers[peer]?.lastHeard else { return }
    peers[peer]?.rate.add(length, over: now - max(heard, asked))
    peers[peer]?.lastHeard = now
  }
}
