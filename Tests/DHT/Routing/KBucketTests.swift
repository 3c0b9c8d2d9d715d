import Cryptography
import Testing
import Wire

@testable import DHT

@Suite struct KBucketTests {
  @Test func fullBucketKeepsItsOldest() {
    var random = SplitMix64(seed: 1)
    var bucket = KBucket(capacity: 4, replacements: 2)
    let first = (0..<4).map { Contact.random($0, using: &random) }
    for contact in first {
      let place = bucket.answered(contact, roundTrip: nil, now: .zero)
      #expect(place == .kept)
    }
    let late = Contact.random(9, using: &random)
    let place = bucket.answered(late, roundTrip: nil, now: .seconds(1))
    #expect(place == .waiting(first[0]))
    #expect(bucket.entries.map(\.contact) == first)
  }

  @Test func aSilentContactGivesWayToTheLatestThatWaits() {
    var random = SplitMix64(seed: 2)
    var bucket = KBucket(capacity: 2, replacements: 2)
    let all = (0..<5).map { Contact.random($0, using: &random) }
    for contact in all { _ = bucket.answered(contact, roundTrip: nil, now: .zero) }
    #expect(bucket.waiting == [all[3], all[4]])
    bucket.failed(all[0].key, now: .seconds(1))
    #expect(bucket.entries.map(\.contact) == [all[0], all[1]])
    bucket.failed(all[0].key, now: .seconds(2))
    #expect(bucket.entries.map(\.contact) == [all[1], all[4]])
  }

  @Test func withoutReplacementTheSilentStaysForARecovery() {
    var random = SplitMix64(seed: 3)
    var bucket = KBucket(capacity: 2, replacements: 2)
    let contact = Contact.random(0, using: &random)
    _ = bucket.answered(contact, roundTrip: nil, now: .zero)
    for second in 1...7 { bucket.failed(contact.key, now: .seconds(second)) }
    #expect(bucket.entries.map(\.isLive) == [false])
    _ = bucket.answered(contact, roundTrip: nil, now: .seconds(8))
    #expect(bucket.entries.map(\.isLive) == [true])
    for second in 9...16 { bucket.failed(contact.key, now: .seconds(second)) }
    #expect(bucket.entries.isEmpty)
  }

  @Test func oneAddressHasOneLiveKey() {
    var random = SplitMix64(seed: 4)
    var bucket = KBucket(capacity: 4, replacements: 2)
    let old = Contact.random(1, using: &random)
    let new = Contact.random(1, using: &random)
    _ = bucket.answered(old, roundTrip: nil, now: .zero)
    let early = bucket.answered(new, roundTrip: nil, now: .seconds(1))
    #expect(early == .refused)
    bucket.failed(old.key, now: .seconds(2))
    let late = bucket.answered(new, roundTrip: nil, now: .seconds(3))
    #expect(late == .kept)
    #expect(bucket.entries.map(\.contact) == [new])
  }

  @Test func aNetworkOfGlobalAddressesGetsOnePlaceAndTwoInItsSurroundings() {
    var random = SplitMix64(seed: 5)
    var bucket = KBucket(capacity: 16, replacements: 8)
    var places: [KBucket.Insertion] = []
    for text in [
      "8.1.1.1:1", "8.1.1.2:1", "8.1.2.1:1", "8.1.3.1:1", "8.2.1.1:1", "127.0.0.1:1",
      "127.0.0.1:2", "10.0.0.1:1", "10.0.0.2:1", "[2a00:1:1::1]:1", "[2a00:1:1::2]:1",
      "[2a00:1:2::1]:1", "[2a00:1:3::1]:1",
    ] {
      let contact = Contact.random(at: text, using: &random)
      places.append(bucket.answered(contact, roundTrip: nil, now: .zero))
    }
    let refused = places.indices.filter { places[$0] == .refused }
    #expect(refused == [1, 3, 10, 12])
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func bucketMatchesAnArray(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var bucket = KBucket(capacity: 8, replacements: 4)
    var model: [(contact: Contact, failures: Int)] = []
    let all = (0..<20).map { Contact.random($0, using: &random) }
    var waiting: [Contact] = []
    for step in 0..<300 {
      let contact = all[Int.random(in: 0..<20, using: &random)]
      if Bool.random(using: &random) {
        _ = bucket.answered(contact, roundTrip: nil, now: .seconds(step))
        if let at = model.firstIndex(where: { $0.contact == contact }) {
          model[at].failures = 0
        } else {
          if model.count == 8, let dead = model.firstIndex(where: { $0.failures > 1 }) {
            model.remove(at: dead)
          }
          waiting.removeAll { $0 == contact }
          if model.count < 8 {
            model.append((contact, 0))
          } else {
            waiting = (waiting + [contact]).suffix(4)
          }
        }
      } else {
        bucket.failed(contact.key, now: .seconds(step))
        waiting.removeAll { $0 == contact }
        if let at = model.firstIndex(where: { $0.contact == contact }) {
          model[at].failures += 1
          if model[at].failures > 1, let next = waiting.popLast() {
            model.remove(at: at)
            model.append((next, 0))
          } else if model[at].failures == 8 {
            model.remove(at: at)
          }
        }
      }
      #expect(bucket.entries.map(\.contact) == model.map(\.contact), "step \(step)")
      #expect(bucket.waiting == waiting, "step \(step)")
    }
  }
}
