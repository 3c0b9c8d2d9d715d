import Cryptography
import Wire

@testable import Transfer

/// The fetch of one blob, with peers that answer as the bytes say: honestly, late, wrongly, unasked.
struct FetchFuzz {
  static let target: FuzzTarget = { bytes in
    var run = FetchFuzz(Script(bytes))
    run.play()
  }

  /// The digests of a blob of one block, of one piece and of three pieces: what they are the digests
  /// of does not matter to the machine.
  private struct Blob: Sendable {
    let layout: BlockLayout
    let blocks: [Bytes32]
    let pieces: [Bytes32]
    let root: ContentRoot

    init?(size: UInt64) {
      guard let layout = BlockLayout(size: size) else { return nil }
      self.layout = layout
      blocks = (0..<layout.blockCount).map { Bytes32(words: (UInt64($0), 5, 5, 5)) }
      guard let root = layout.root(ofBlocks: blocks) else { return nil }
      self.root = root
      let digests = blocks
      pieces = (0..<layout.pieceCount).map {
        MerkleTree.reduce(Array(digests[layout.blocks(ofPiece: $0)]), from: 2, to: 6)
      }
    }

    static let all = [40_000, 300_000, 2_500_000].compactMap { Blob(size: $0) }
  }

  private let blob: Blob
  private var script: Script
  private var machine: FetchMachine
  private var now = Instant.zero
  /// What the machine asked for and nobody has answered yet.
  private var asked: [(peer: PublicKey, blocks: Range<Int>)] = []
  private var hashes: [(peer: PublicKey, range: HashRange)] = []
  /// Blocks that are being hashed.
  private var checking: [(peer: PublicKey, block: Int)] = []
  private var hasEnded = false

  private init(_ script: Script) {
    self.script = script
    blob = Blob.all[Int(self.script.number()) % Blob.all.count]
    machine = FetchMachine(root: blob.root, layout: blob.layout, now: .zero)
  }

  private mutating func play() {
    while let operation = script.byte() {
      let (kind, isOdd) = (operation & 15, operation & 16 != 0)
      let peer = PublicKey(Bytes32(words: (UInt64(operation >> 5), 3, 3, 3)))
      switch kind {
      case 0: take(machine.add(peer, now: now))
      case 1:
        now = now + .milliseconds(Int64(script.number()) * (isOdd ? 200 : 10))
        take(machine.tick(now))
      case 2: take(machine.joined(peer, credit: Int(script.number()), now: now))
      case 3: take(machine.lost(peer, now: now))
      case 4, 5: take(machine.have(have(), from: peer, now: now))
      case 6: answerHashes(isRight: !isOdd)
      case 7, 8: answerBlocks(isRight: !isOdd)
      case 9:
        arrive(Int(script.number()), length: Int(script.number()) << 9, from: peer)
      case 10, 11: check(isRight: !isOdd)
      case 12: take(isOdd ? machine.choked(peer, now: now) : machine.unchoked(peer, now: now))
      case 13:
        let reasons: [TransferFrame.Rejection] = [.notHere, .busy, .badRequest]
        take(machine.rejected(peer, reasons[Int(script.number()) % 3], now: now))
      case 14: take(machine.begin(now: now))
      default: take(machine.offended(peer, .violation, now: now))
      }
      mind()
    }
  }

  /// What must hold after every step.
  private mutating func mind() {
    precondition(machine.isFinished == hasEnded, "an end without a last action, or after one")
    precondition((machine.nextDeadline == nil) == hasEnded, "waits without a deadline")
    precondition(machine.readyPeers <= machine.settings.activePeers, "too many peers")
    precondition(machine.verifiedBytes <= blob.layout.size, "more than the blob")
    for peer in machine.peers.values {
      precondition(peer.owed.count <= machine.settings.largestWindow + 1, "owes too much")
      precondition(peer.isReady || peer.owed.isEmpty, "owed by one who does not serve")
    }
    for block in 0..<blob.layout.blockCount where machine.verified.contains(block) {
      precondition(machine.taken.contains(block), "a block that is here is free")
    }
  }

  private mutating func take(_ actions: [FetchMachine.Action]) {
    precondition(!hasEnded || actions.isEmpty, "acts after its end")
    for action in actions {
      switch action {
      case .request(let peer, let blocks):
        precondition(blocks.lowerBound >= 0 && blocks.upperBound <= blob.layout.blockCount)
        precondition(machine.layer.isComplete, "asks for blocks that it can't check")
        if asked.count < 256 { asked.append((peer, blocks)) }
      case .requestHashes(let peer, let range):
        precondition(range.count > 0 && range.count <= HashRange.limit)
        if hashes.count < 64 { hashes.append((peer, range)) }
      case .keep(let layers): precondition(layers.blocks == blob.blocks, "keeps wrong digests")
      case .complete:
        precondition(machine.verified.isFull, "complete without every block")
        hasEnded = true
      case .failed: hasEnded = true
      case .connect, .want, .cancel, .leave, .ban: break
      }
    }
  }

  private mutating func have() -> TransferFrame.Have {
    let shape = script.number()
    let size = shape & 1 == 0 ? blob.layout.size : UInt64(script.number()) << 16
    var layer: TransferFrame.Layer?
    if shape & 2 != 0 { layer = .init(level: .block, digests: blob.blocks) }
    if shape & 4 != 0 { layer = .init(level: .piece, digests: blob.pieces) }
    if shape & 8 != 0 { layer = .init(level: .block, digests: blob.blocks.reversed()) }
    let bits = shape & 16 != 0 ? script.bytes((blob.layout.blockCount + 7) / 8) : nil
    return TransferFrame.Have(
      stream: 1, size: size, blocks: bits, inline: shape & 32 != 0 ? [1] : nil, layer: layer)
  }

  private mutating func answerHashes(isRight: Bool) {
    guard !hashes.isEmpty else { return }
    let (peer, range) = hashes.remove(at: Int(script.number()) % hashes.count)
    let all = range.level == .piece ? blob.pieces : blob.blocks
    guard range.indices.upperBound <= all.count else { preconditionFailure("no such digests") }
    var digests = Array(all[range.indices])
    if !isRight, !digests.isEmpty { digests[Int(script.number()) % digests.count] = .zero }
    take(
      machine.hashes(digests, level: range.level, start: range.start, from: peer, now: now))
  }

  private mutating func answerBlocks(isRight: Bool) {
    guard !asked.isEmpty else { return }
    let (peer, blocks) = asked.remove(at: Int(script.number()) % asked.count)
    for block in blocks {
      let length = blob.layout.length(ofBlock: block)
      arrive(block, length: isRight ? length : Int(script.number()) << 8, from: peer)
    }
  }

  private mutating func arrive(_ block: Int, length: Int, from peer: PublicKey) {
    let (arrival, actions) = machine.arrived(block, length: length, from: peer, now: now)
    take(actions)
    guard case .check(let digest) = arrival else { return }
    let isKnown = block < blob.blocks.count
    precondition(isKnown && (blob.layout.isSingleBlock || digest == blob.blocks[block]))
    checking.append((peer, block))
  }

  private mutating func check(isRight: Bool) {
    guard !checking.isEmpty else { return }
    let (peer, block) = checking.remove(at: Int(script.number()) % checking.count)
    take(
      isRight
        ? machine.wrote(block, from: peer, now: now) : machine.bad(block, from: peer, now: now))
  }
}
