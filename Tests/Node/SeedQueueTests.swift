import Cryptography
import Testing
import Trust
import Wire

@testable import Node

@Suite("What a seeder fetches when")
struct SeedQueueTests {
  private static func statement(_ number: Int) throws -> SignedStatement {
    try NodeSamples.signed(NodeSamples.facts()) { statement in
      let words = (UInt64(number), UInt64(0), UInt64(0), UInt64(1))
      statement.root = ContentRoot(Bytes32(words: words))
    }
  }

  private func at(_ seconds: Int) -> Instant { .zero + .seconds(seconds) }

  @Test func fewRunAtOnceInTheOrderInWhichTheyCame() throws {
    var queue = SeedQueue()
    let statements = try (1...6).map(Self.statement)
    for statement in statements { queue.add(statement, at: .zero) }
    let isKnown = !queue.add(statements[0], at: .zero)
    #expect(isKnown)
    #expect(queue.nextDeadline == at(2))
    let early = queue.next(at: at(1))
    #expect(early == nil)
    var started: [SignedStatement] = []
    while let next = queue.next(at: at(2)) { started.append(next) }
    #expect(started == Array(statements.prefix(4)))
    #expect(queue.nextDeadline == nil, "the end of a fetch comes first")
    let isWanted = queue.finish(statements[1].statement.root, isFetched: true, at: at(3))
    let next = queue.next(at: at(3))
    #expect(isWanted && next == statements[4])
  }

  @Test func pausesDoubleUpToABoundAndTriesEnd() throws {
    var queue = SeedQueue()
    let statement = try Self.statement(1)
    queue.add(statement, at: .zero)
    var now = at(2)
    var pauses: [Int64] = []
    while queue.next(at: now) != nil {
      _ = queue.finish(statement.statement.root, isFetched: false, at: now)
      guard let due = queue.nextDeadline else { break }
      pauses.append((due - now).components.seconds)
      now = due
    }
    #expect(pauses.prefix(9) == [4, 8, 16, 32, 64, 128, 256, 512, 600])
    #expect(pauses.count == 19 && pauses.last == 600)
    #expect(queue.nextDeadline == nil)
    let isTakenAgain = queue.add(statement, at: now)
    #expect(isTakenAgain, "the publisher's next round brings it back")
  }

  @Test func whatFailedLeavesPlacesForWhatIsNew() throws {
    var queue = SeedQueue()
    let statements = try (1...12).map(Self.statement)
    for statement in statements.prefix(8) { queue.add(statement, at: .zero) }
    for _ in 0..<8 {
      guard let next = queue.next(at: at(2)) else { break }
      _ = queue.finish(next.statement.root, isFetched: false, at: at(2))
    }
    let retried = [queue.next(at: at(10)), queue.next(at: at(10)), queue.next(at: at(10))]
    #expect(retried.map { $0 != nil } == [true, true, false])
    for statement in statements.suffix(4) { queue.add(statement, at: at(10)) }
    let fresh = [queue.next(at: at(12)), queue.next(at: at(12))]
    #expect(fresh == [statements[8], statements[9]])
  }

  @Test func withdrawnBlobIsNotFetchedNorAnnounced() throws {
    var queue = SeedQueue()
    let (first, second) = (try Self.statement(1), try Self.statement(2))
    queue.add(first, at: .zero)
    queue.add(second, at: .zero)
    queue.drop(second.statement.root)
    let running = queue.next(at: at(2))
    #expect(running == first)
    queue.drop(first.statement.root)
    let isWanted = queue.finish(first.statement.root, isFetched: true, at: at(3))
    let next = queue.next(at: at(100))
    #expect(!isWanted && next == nil && queue.nextDeadline == nil)
  }

  @Test func fullQueueLeavesTheRestToThePublisher() throws {
    var settings = SeedQueue.Settings()
    settings.capacity = 2
    var queue = SeedQueue(settings)
    let taken = try (1...3).map { queue.add(try Self.statement($0), at: .zero) }
    #expect(taken == [true, true, false])
  }

  /// 200 blobs of which each tenth can't be reached, found out only after a minute.
  @Test func unreachableBlobsDoNotHoldUpTheOthers() throws {
    var queue = SeedQueue()
    var dead: Set<ContentRoot> = []
    for number in 1...200 {
      let statement = try Self.statement(number)
      if number % 10 == 1 { dead.insert(statement.statement.root) }
      queue.add(statement, at: .zero)
    }
    var running: [(end: Int, root: ContentRoot)] = []
    var fetched = 0
    var lastFetched = 0
    for second in 0..<20_000 {
      for done in running where done.end == second {
        let isFetched = !dead.contains(done.root)
        if isFetched { (fetched, lastFetched) = (fetched + 1, second) }
        _ = queue.finish(done.root, isFetched: isFetched, at: at(second))
      }
      running.removeAll { $0.end == second }
      while let next = queue.next(at: at(second)) {
        let root = next.statement.root
        running.append((second + (dead.contains(root) ? 60 : 1), root))
      }
      #expect(running.count <= 4)
    }
    #expect(fetched == 180)
    // One after another it would take 1,200 s for the first tries of the dead ones alone.
    #expect(lastFetched < 700, "\(lastFetched)")
    #expect(running.isEmpty && queue.nextDeadline == nil)
  }
}
