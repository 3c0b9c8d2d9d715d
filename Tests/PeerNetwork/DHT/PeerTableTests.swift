import Cryptography
import Testing
import Wire

@testable import PeerNetwork

@Suite struct PeerTableTests {
  private func key(_ number: UInt64) -> PublicKey {
    PublicKey(Bytes32(words: (number, 1, 2, 3)))
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func behavesLikeADictionary(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var table = PeerTable<Int>()
    var model: [PublicKey: Int] = [:]
    for step in 0..<2_000 {
      let key = key(.random(in: 0..<100, using: &random))
      if Int.random(in: 0..<3, using: &random) == 0 {
        let removed = table.remove(key)
        #expect(removed == model.removeValue(forKey: key))
      } else {
        table.set(step, for: key)
        model[key] = step
      }
      #expect(table.count == model.count)
    }
    for number in 0..<100 as Range<UInt64> { #expect(table[key(number)] == model[key(number)]) }
  }

  @Test func ofTwoKeysWithTheSameBeginningTheYoungerStays() {
    let twin = PublicKey(Bytes32(words: (7, 9, 9, 9)))
    var table = PeerTable<Int>()
    table.set(1, for: key(7))
    #expect(table[twin] == nil)
    table.set(2, for: twin)
    #expect(table[key(7)] == nil)
    #expect(table[twin] == 2)
    let removed = table.remove(key(7))
    #expect(removed == nil)
    #expect(table.count == 1)
  }
}
