import Cryptography
import Testing
import Wire

@testable import DHT

/// Nodes found dead lately, for ignoring hearsay.
@Suite struct FallenTests {
  var random = SplitMix64(seed: 4)

  @Test mutating func whoFellIsKnownUntilItIsHeardOf() {
    var fallen = Fallen()
    let contact = Contact.random(1, using: &random)
    let other = Contact.random(2, using: &random)
    #expect(!fallen.contains(contact))
    fallen.add(contact, now: .zero)
    #expect(fallen.contains(contact))
    #expect(!fallen.contains(other))
    fallen.remove(contact)
    #expect(!fallen.contains(contact))
  }

  /// Whoever chooses its port, or looks for a fitting key, must not make others seem dead.
  @Test mutating func whoFallsTakesNobodyElseWithIt() {
    var fallen = Fallen()
    for number in 1...200 as ClosedRange<UInt32> {
      let victim = Contact.random(number, using: &random)
      let own = Contact.random(number + 1_000, using: &random)
      let low = UInt16(truncatingIfNeeded: victim.id.bytes.words.3)
      let port = low ^ victim.address.port ^ UInt16(truncatingIfNeeded: own.id.bytes.words.3)
      let chosen = Address(ip: own.address.ip, port: port)
      fallen.add(Contact(key: own.key, address: chosen), now: .seconds(1))
      #expect(!fallen.contains(victim))
      // The same node under another port is not the one that fell.
      #expect(own.address == chosen || !fallen.contains(own))
    }
  }

  @Test mutating func theOldAreForgottenAfterTwoGenerations() {
    var fallen = Fallen()
    let first = Contact.random(1, using: &random)
    let second = Contact.random(2, using: &random)
    let third = Contact.random(3, using: &random)
    fallen.add(first, now: .seconds(1))
    fallen.add(second, now: .seconds(601))
    #expect(fallen.contains(first))
    fallen.add(third, now: .seconds(1_202))
    #expect(!fallen.contains(first))
    #expect(fallen.contains(second))
    #expect(fallen.contains(third))
  }

  @Test mutating func aFloodOfTheFallenIsBounded() {
    var fallen = Fallen()
    var all: [Contact] = []
    for number in 1...3_000 as ClosedRange<UInt32> {
      let contact = Contact.random(number, using: &random)
      all.append(contact)
      fallen.add(contact, now: .seconds(1))
    }
    let known = all.count { fallen.contains($0) }
    #expect(known <= 1_024)
    #expect(all.suffix(400).allSatisfy { fallen.contains($0) })
  }
}
