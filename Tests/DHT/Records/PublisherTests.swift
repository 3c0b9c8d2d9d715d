import Cryptography
import Testing
import Wire

@testable import DHT

@Suite struct PublisherTests {
  var random = SplitMix64(seed: 1)

  mutating func record(sequence: UInt64 = 1, expires: Int64 = 1_000_000) -> Record {
    PlainRecords.make(
      key: .random(using: &random), publisher: .random(using: &random), sequence: sequence,
      expires: Timestamp(expires))
  }

  @Test mutating func whatIsNewIsDueAtOnceAndThenAfterTwentyTwoHours() throws {
    var publisher = Publisher()
    publisher.add(record(), now: Timestamp(100))
    let item = try #require(publisher.due(now: Timestamp(100), limit: 10).first)
    publisher.published(item, storedOn: 14, now: Timestamp(101))
    #expect(publisher.nextDue == Timestamp(101 + 22 * 3_600))
    #expect(publisher.due(now: Timestamp(101 + 22 * 3_600 - 1), limit: 10).isEmpty)
    #expect(publisher.due(now: Timestamp(101 + 22 * 3_600), limit: 10).count == 1)
    #expect(publisher.delay(now: Timestamp(111 + 22 * 3_600)) == .seconds(10))
  }

  @Test mutating func storedNowhereComesAgainEverLessOften() throws {
    var publisher = Publisher()
    publisher.add(record(), now: Timestamp(0))
    var pauses: [Int64] = []
    for _ in 0..<10 {
      let now = try #require(publisher.nextDue)
      let item = try #require(publisher.due(now: now, limit: 1).first)
      publisher.published(item, storedOn: 0, now: now)
      pauses.append(try #require(publisher.nextDue).seconds - now.seconds)
    }
    #expect(pauses.prefix(3) == [30, 60, 120])
    #expect(pauses.last == 15 << 8)
  }

  @Test mutating func dueItemsComeInTheOrderOfTheirKeys() {
    var publisher = Publisher()
    for _ in 0..<50 { publisher.add(record(), now: Timestamp(0)) }
    publisher.announce(ContentRoot(.random(using: &random)), now: Timestamp(0))
    let keys = publisher.due(now: Timestamp(0), limit: 100).map(\.key)
    #expect(keys.count == 51)
    #expect(keys == keys.sorted())
    #expect(publisher.due(now: Timestamp(0), limit: 7).map(\.key) == Array(keys.prefix(7)))
  }

  @Test mutating func aNewerRecordTakesItsSlotAndAnOlderDoesNot() {
    var publisher = Publisher()
    let old = record()
    let new = PlainRecords.make(
      key: old.key, publisher: old.publisher, sequence: 2, expires: old.expires)
    for (record, isTaken) in [(old, true), (new, true), (old, false)] {
      let added = publisher.add(record, now: Timestamp(0))
      #expect(added == isTaken)
    }
    #expect(publisher.items.map(\.content) == [.statement(new)])
  }

  @Test mutating func expiredStatementsAreNotPublished() {
    var publisher = Publisher()
    publisher.add(record(expires: 500), now: Timestamp(0))
    #expect(publisher.due(now: Timestamp(500), limit: 10).isEmpty)
    #expect(publisher.items.isEmpty)
  }

  @Test mutating func announcementsStopWhenTold() {
    var publisher = Publisher()
    let root = ContentRoot(.random(using: &random))
    for isNew in [true, false] {
      let added = publisher.announce(root, now: Timestamp(0))
      #expect(added == isNew)
    }
    publisher.stopAnnouncing(root)
    #expect(publisher.items.isEmpty)
  }

  @Test mutating func whatSomeNodeKeepsCountsAsStored() throws {
    var publisher = Publisher()
    let mine = record()
    let root = ContentRoot(.random(using: &random))
    publisher.add(mine, now: Timestamp(0))
    publisher.announce(root, now: Timestamp(0))
    #expect(!publisher.isStored(mine.key) && publisher.announced == 0)
    for item in publisher.due(now: Timestamp(0), limit: 2) {
      publisher.published(item, storedOn: 3, now: Timestamp(0))
    }
    #expect(publisher.isStored(mine.key) && publisher.announced == 1)
    #expect(!publisher.isStored(root.bytes), "an announcement is no statement")
    #expect(!publisher.isStored(.random(using: &random)))
  }
}
