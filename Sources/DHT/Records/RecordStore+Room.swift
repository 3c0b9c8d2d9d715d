import Cryptography
import Wire

/// Who gives way where a key is full.
extension RecordStore {
  /// Makes sure that a key has room for one more of this kind.
  ///
  /// The publisher with the most slots loses one; among equals the source with the most records, since
  /// keys cost nothing and networks do; then the places are drawn by a digest with our own id, so that
  /// every replica keeps another part of a flood and nobody gains by haste.
  mutating func hasRoom(
    for record: Record, from source: Source, isTrusted: Bool, in shelf: inout [Entry]
  ) -> Bool {
    let all = shelf.indices.filter { shelf[$0].record.kind == record.kind }
    let limit: Int
    let rivals: [Int]
    switch record.kind {
    case .provider:
      limit = settings.providersPerKey
      rivals = all
    case .statement:
      let others = all.filter { !shelf[$0].isTrusted }
      if isTrusted {
        limit = settings.statementsPerKey
        rivals = others.isEmpty ? all : others
        guard all.count >= limit else { return true }
      } else {
        limit = settings.statementsPerKey - settings.reservedStatements
        rivals = others
        if all.count >= settings.statementsPerKey, others.isEmpty { return false }
      }
    }
    guard rivals.count >= limit || all.count >= settings.statementsPerKey else { return true }
    var slots: [PublicKey: Int] = [record.publisher: 1]
    var shares: [Source: Int] = [source: 1]
    for index in rivals {
      slots[shelf[index].record.publisher, default: 0] += 1
      shares[shelf[index].source, default: 0] += 1
    }
    var loser: Int?
    var worst = rank(record, slots, shares[source, default: 1], isTrusted: isTrusted)
    for index in rivals {
      let entry = shelf[index]
      let rank = rank(
        entry.record, slots, shares[entry.source, default: 1], isTrusted: entry.isTrusted)
      if rank > worst {
        worst = rank
        loser = index
      }
    }
    guard let loser else { return false }
    uncount(shelf.remove(at: loser))
    return true
  }

  /// How readily a record gives way: untrusted before trusted, many slots before few, a source of many
  /// before one of few, then by draw.
  private func rank(
    _ record: Record, _ slots: [PublicKey: Int], _ share: Int, isTrusted: Bool
  ) -> (Int, Int, Int, Bytes32) {
    let draw = BLAKE2b.hash256(
      own.bytes.bytes + record.publisher.bytes.bytes + record.slot.bytes)
    return (isTrusted ? 0 : 1, slots[record.publisher, default: 0], share, draw)
  }
}
