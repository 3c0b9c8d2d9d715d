public import Cryptography
public import Wire

extension FetchMachine {
  /// Takes a peer's answer to WANT.
  ///
  /// Its inline bytes do not come in here: if the blob has one block and they are there, the driver
  /// goes on with `arrived` for block 0, as for any block.
  public mutating func have(
    _ have: TransferFrame.Have, from key: PublicKey, now: Instant
  ) -> [Action] {
    guard !isFinished, case .asked? = peers[key]?.state else { return [] }
    guard have.size == layout.size else {
      return ban(key, for: .wrongSize(have.size, signed: layout.size), now: now)
    }
    var blocks: BlockSet?
    if let bytes = have.blocks {
      guard let set = BlockSet(bytes: bytes, capacity: layout.blockCount) else {
        return ban(key, for: .badBitmap, now: now)
      }
      if !set.isFull { blocks = set }
    }
    if let offered = have.layer, layer.take(offered.level, whole: offered.digests) == .wrong {
      return ban(key, for: .badLayer, now: now)
    }
    peers[key]?.state = .ready(since: now)
    peers[key]?.blocks = blocks
    peers[key]?.lastHeard = now
    if have.inline != nil, layout.isSingleBlock { owe(0, by: key, now: now) }
    return advance(now)
  }

  /// Takes digests that a peer was asked for; others are ignored.
  public mutating func hashes(
    _ digests: [Bytes32], level: MerkleTree.Level, start: Int, from key: PublicKey, now: Instant
  ) -> [Action] {
    guard !isFinished, let owed = peers[key]?.owedHashes else { return [] }
    guard owed.range == HashRange(level: level, start: start, count: digests.count) else {
      return ban(key, for: .badLayer, now: now)
    }
    let outcome: LayerCollector.Outcome
    switch level {
    case .leaf: outcome = .wrong
    case .block: outcome = layer.take(blocksFrom: start, digests: digests)
    case .piece: outcome = assemble(digests, from: key)
    }
    if outcome == .wrong { return ban(key, for: .badLayer, now: now) }
    layer.release(owed.range)
    peers[key]?.owedHashes = nil
    return advance(now)
  }

  private mutating func assemble(
    _ digests: [Bytes32], from key: PublicKey
  ) -> LayerCollector.Outcome {
    guard var whole = assembly?.digests, assembly?.peer == key else { return .useless }
    whole += digests
    guard whole.count >= layout.pieceCount else {
      assembly = (peer: key, digests: whole)
      return .useless
    }
    assembly = nil
    return layer.take(.piece, whole: whole)
  }

  /// Asks the ready peers for the digests that are not known yet.
  mutating func requestHashes(_ now: Instant) -> [Action] {
    guard !layer.isComplete else { return [] }
    var actions: [Action] = []
    for key in order {
      guard let peer = peers[key], peer.isReady, peer.owedHashes == nil, peer.restUntil <= now,
        let range = nextHashes(for: key)
      else { continue }
      peers[key]?.owedHashes = (range: range, since: now)
      actions.append(.requestHashes(key, range))
    }
    return actions
  }

  private mutating func nextHashes(for key: PublicKey) -> HashRange? {
    guard layout.pieceCount > 1, layer.pieces == nil else { return layer.nextRequest() }
    if let assembly, assembly.peer != key { return nil }
    let start = assembly?.digests.count ?? 0
    if assembly == nil { assembly = (peer: key, digests: []) }
    let count = min(HashRange.limit, layout.pieceCount - start)
    return HashRange(level: .piece, start: start, count: count)
  }
}
