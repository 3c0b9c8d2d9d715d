import Cryptography
import Transfer
import Wire

/// What the connections say.
extension FetchDriver {
  /// The connection to a provider stands.
  func joined(_ connection: PeerConnection) {
    perform(join(connection))
  }

  /// Steps the machine with an input that needs nothing else.
  func event(_ now: Instant, _ step: @Sendable (inout FetchMachine) -> [FetchMachine.Action]) {
    perform(step(&machine))
  }

  /// A provider's connection could not be opened.
  func unreachable(_ key: PublicKey) {
    perform(machine.lost(key, now: context.clock.now))
  }

  /// A connection that this fetch used is closed.
  func lost(_ connection: PeerConnection) {
    guard let link = links[connection.key], link.connection === connection else { return }
    links[connection.key] = nil
    perform(machine.lost(connection.key, now: context.clock.now))
  }

  /// A peer says what it has; a small blob comes along.
  func have(_ have: TransferFrame.Have, from connection: PeerConnection) async {
    guard isLinked(connection, have.stream) else { return }
    perform(machine.have(have, from: connection.key, now: context.clock.now))
    await keepLayers()
    guard let bytes = have.inline, layout.isSingleBlock else { return }
    guard case .check(let digest) = arrived(0, length: bytes.count, from: connection) else {
      return
    }
    let block = VerifiedBlock(checking: bytes, index: 0, layout: layout, expected: digest)
    guard let block else { return bad(0, from: connection) }
    await write([block], from: connection)
  }

  /// Digests came in.
  func hashes(
    _ digests: [Bytes32], level: MerkleTree.Level, start: Int, from connection: PeerConnection
  ) async {
    let now = context.clock.now
    perform(machine.hashes(digests, level: level, start: start, from: connection.key, now: now))
    await keepLayers()
  }

  /// Blocks came in; says of each whether it is to be hashed.
  func arrived(
    _ blocks: [ReceivedBlock], from connection: PeerConnection
  ) -> [FetchMachine.Arrival] {
    guard links[connection.key]?.connection === connection else { return [] }
    let lengths = blocks.map { (index: $0.index, length: $0.bytes.count) }
    let now = context.clock.now
    let (arrivals, actions) = machine.arrived(lengths, from: connection.key, now: now)
    perform(actions)
    return arrivals
  }

  /// A block came in; says whether it is to be hashed.
  func arrived(
    _ block: Int, length: Int, from connection: PeerConnection
  ) -> FetchMachine.Arrival {
    guard links[connection.key]?.connection === connection else { return .drop }
    let now = context.clock.now
    let (arrival, actions) = machine.arrived(block, length: length, from: connection.key, now: now)
    perform(actions)
    return arrival
  }

  /// A block's digest is wrong.
  func bad(_ block: Int, from connection: PeerConnection) {
    perform(machine.bad(block, from: connection.key, now: context.clock.now))
  }

  /// A block's digest is wrong; others that came with it may not have been hashed.
  func bad(_ block: Int, among arrived: [Int], from connection: PeerConnection) {
    machine.unchecked(arrived.filter { $0 != block })
    bad(block, from: connection)
  }

  /// The digests of blocks are right: writes them.
  func write(_ blocks: [VerifiedBlock], from connection: PeerConnection) async {
    guard outcome == nil else { return }
    writing += 1
    do {
      try await partial.write(blocks)
      let now = context.clock.now
      perform(machine.wrote(blocks.map(\.index), from: connection.key, now: now))
      report(at: now, isLast: false)
    } catch {
      finish(.store(error))
    }
    writing -= 1
    if writing == 0 {
      idle?.resume()
      idle = nil
    }
  }

  private func keepLayers() async {
    guard let layers = layersToKeep, outcome == nil else { return }
    layersToKeep = nil
    writing += 1
    do { try await partial.keep(layers) } catch { finish(.store(error)) }
    writing -= 1
    if writing == 0 {
      idle?.resume()
      idle = nil
    }
  }
}
