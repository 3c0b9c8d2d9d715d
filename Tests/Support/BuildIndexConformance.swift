public import Builder
public import Testing
import Trust
import Wire

/// What every build index must do; each implementation's tests call `run`.
public enum BuildIndexConformance {
  /// Checks an empty index against every rule of the seam.
  public static func run(
    _ index: any BuildIndex, at place: SourceLocation = #_sourceLocation
  ) async throws {
    try await insertIsPutIfAbsent(index, place)
    try await replaceComparesRevisions(index, place)
    try await racingStepsAllCount(index, place)
    try await phasesAreOrdered(index, place)
    try await dueJobsAreFound(index, place)
    try await waitersAreItems(index, place)
    try await unfinishedPackagesOfAnOwnerAreBounded(index, place)
    try await waitersOfFinishedJobsAreForgotten(index, place)
    try await everyStateReadsBack(index, place)
  }

  private static let settings = BuildSettings()
  private static let start = Timestamp(1_000_000)

  private static func insertIsPutIfAbsent(
    _ index: any BuildIndex, _ place: SourceLocation
  ) async throws {
    let job = Job(try RequestFixture.request(100), now: start)
    #expect(try await index.job(job.fingerprint) == nil, sourceLocation: place)
    #expect(try await index.insert(job) == nil, sourceLocation: place)
    let again = Job(try RequestFixture.request(100), priority: 9, now: start + .seconds(5))
    #expect(try await index.insert(again) == job, sourceLocation: place)
    #expect(try await index.job(job.fingerprint) == job, sourceLocation: place)
  }

  private static func replaceComparesRevisions(
    _ index: any BuildIndex, _ place: SourceLocation
  ) async throws {
    var job = Job(try RequestFixture.request(101), now: start)
    let absent = try await index.replace(job, expecting: job.revision)
    #expect(!absent, "a job that is not there was replaced", sourceLocation: place)
    _ = try await index.insert(job)
    let old = job.revision
    _ = try job.claim(by: "one", now: start, settings: settings)
    #expect(try await index.replace(job, expecting: old), sourceLocation: place)
    var late = job
    _ = late.cancel(now: start)
    let stale = try await index.replace(late, expecting: old)
    #expect(!stale, "an old revision was replaced", sourceLocation: place)
    #expect(try await index.job(job.fingerprint) == job, sourceLocation: place)
  }

  private static func racingStepsAllCount(
    _ index: any BuildIndex, _ place: SourceLocation
  ) async throws {
    let request = try RequestFixture.request(102)
    _ = try await index.insert(Job(request, now: start))
    let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
      for worker in 0..<8 {
        group.addTask {
          try await index.claim(
            request.fingerprint, by: "w\(worker)", now: start, settings: settings) != nil
        }
      }
      var count = 0
      for try await won in group where won { count += 1 }
      return count
    }
    #expect(winners == 1, "one claim of eight wins", sourceLocation: place)
    #expect(try await index.job(request.fingerprint)?.fence == 1, sourceLocation: place)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<8 {
        group.addTask {
          _ = try await index.heartbeat(
            request.fingerprint, fence: 1, lines: ["line \(number)"], now: start,
            settings: settings)
        }
      }
      try await group.waitForAll()
    }
    let lines = try await index.job(request.fingerprint)?.log.lines.count
    #expect(lines == 9, "every heartbeat's line is kept", sourceLocation: place)
  }

  private static func phasesAreOrdered(
    _ index: any BuildIndex, _ place: SourceLocation
  ) async throws {
    let low = Job(try RequestFixture.request(103), priority: -1, now: start - .seconds(100))
    let late = Job(try RequestFixture.request(104), priority: 7, now: start + .seconds(50))
    let early = Job(try RequestFixture.request(105), priority: 7, now: start + .seconds(40))
    for job in [low, late, early] { _ = try await index.insert(job) }
    let queued = try await index.jobs(.phase(.queued), limit: 100).map(\.fingerprint)
    let own = [early, late, low].map(\.fingerprint)
    #expect(queued.filter(own.contains) == own, sourceLocation: place)
    #expect(queued.first == own.first, sourceLocation: place)
    let one = try await index.jobs(.phase(.queued), limit: 1)
    #expect(one.map(\.fingerprint) == [early.fingerprint], sourceLocation: place)
    #expect(try await index.jobs(.phase(.built), limit: 10).isEmpty, sourceLocation: place)
  }

  private static func dueJobsAreFound(
    _ index: any BuildIndex, _ place: SourceLocation
  ) async throws {
    let requests = [try RequestFixture.request(106), try RequestFixture.request(107)]
    let far = start + .seconds(5_000)
    for (offset, request) in requests.enumerated() {
      _ = try await index.insert(Job(request, now: start))
      _ = try await index.claim(
        request.fingerprint, by: "w", now: far + .seconds(Int64(20 - 10 * offset)),
        settings: settings)
    }
    let end = far + settings.lease
    let before = try await index.jobs(.due(.leased, before: end + .seconds(20)), limit: 100)
    let own = requests.map(\.fingerprint)
    #expect(
      before.map(\.fingerprint).filter(own.contains) == [own[1]],
      "a lease that ends exactly then is not before", sourceLocation: place)
    let all = try await index.jobs(.due(.leased, before: end + .seconds(21)), limit: 100)
    #expect(
      all.map(\.fingerprint).filter(own.contains) == [own[1], own[0]],
      "earliest first", sourceLocation: place)
    let swept = try await index.sweep(now: end + .seconds(20), settings: settings)
    #expect(Set(own).isSubset(of: Set(swept.map(\.fingerprint))), sourceLocation: place)
    #expect(try await index.sweep(now: end, settings: settings).isEmpty, sourceLocation: place)
  }

  private static func waitersAreItems(
    _ index: any BuildIndex, _ place: SourceLocation
  ) async throws {
    let (one, two) = (try RequestFixture.request(108), try RequestFixture.request(109))
    func waiter(_ request: BuildRequest, _ owner: String, _ group: String, _ time: Int64) -> Waiter
    {
      Waiter(
        fingerprint: request.fingerprint, owner: owner, group: group, since: Timestamp(time))
    }
    let a = waiter(one, "alice", "g1", 10)
    let b = waiter(two, "alice", "g1", 20)
    let c = waiter(one, "bob", "g1", 5)
    for item in [a, b, c, waiter(one, "alice", "g1", 30)] { try await index.add(item) }
    let fingerprint = WaiterQuery.fingerprint(one.fingerprint)
    #expect(try await index.waiters(fingerprint, limit: 9) == [c, a], sourceLocation: place)
    #expect(try await index.waiters(.owner("alice"), limit: 9) == [a, b], sourceLocation: place)
    #expect(try await index.waiters(.owner("alice"), limit: 1) == [a], sourceLocation: place)
    let group = WaiterQuery.group("g1", owner: "bob")
    #expect(try await index.waiters(group, limit: 9) == [c], sourceLocation: place)
    try await index.remove(a)
    try await index.remove(a)
    #expect(try await index.waiters(fingerprint, limit: 9) == [c], sourceLocation: place)
  }

  private static func unfinishedPackagesOfAnOwnerAreBounded(
    _ index: any BuildIndex, _ place: SourceLocation
  ) async throws {
    func waiters(_ numbers: Range<Int>, _ group: String, owner: String = "carol") throws -> [Waiter]
    {
      try numbers.map { number in
        Waiter(
          fingerprint: try RequestFixture.request(number).fingerprint, owner: owner, group: group,
          since: start)
      }
    }
    func admit(_ waiters: [Waiter]) async throws -> Bool {
      try await index.admit(waiters, unfinishedAtMost: 3)
    }
    let first = try waiters(120..<122, "one")
    #expect(try await admit(first), sourceLocation: place)
    #expect(try await admit(first), "the same again counts once", sourceLocation: place)
    let over = try await admit(waiters(122..<124, "two"))
    #expect(!over, sourceLocation: place)
    let left = try await index.waiters(.group("two", owner: "carol"), limit: 9)
    #expect(left.isEmpty, "a refused request leaves no waiter", sourceLocation: place)
    #expect(try await admit(waiters(122..<125, "two", owner: "dave")), sourceLocation: place)
    #expect(try await admit([]), sourceLocation: place)
    // What was built is no longer waited for.
    var built = Job(try RequestFixture.request(120), now: start)
    _ = try built.claim(by: "w", now: start, settings: settings)
    let result = BuildResult(
      statement: [1], root: .zero, size: 1, accepted: start, expires: Timestamp(.max))
    _ = try built.complete(fence: 1, result: result, now: start)
    _ = try await index.insert(built)
    #expect(try await admit(waiters(122..<124, "two")), sourceLocation: place)
    // Of requests at once no more pass than there is room for.
    let passed = try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 130..<138 {
        group.addTask {
          try await admit(waiters(number..<number + 1, "race-\(number)", owner: "erin"))
        }
      }
      var count = 0
      for try await isIn in group where isIn { count += 1 }
      return count
    }
    #expect(passed == 3, sourceLocation: place)
  }

  private static func waitersOfFinishedJobsAreForgotten(
    _ index: any BuildIndex, _ place: SourceLocation
  ) async throws {
    var jobs: [Job] = []
    for number in 140..<143 { jobs.append(Job(try RequestFixture.request(number), now: start)) }
    _ = jobs[1].cancel(now: start)
    for job in jobs[..<2] { _ = try await index.insert(job) }
    for job in jobs {
      for (group, time) in [("old", start), ("new", start + .seconds(10))] {
        try await index.add(
          Waiter(fingerprint: job.fingerprint, owner: "frank", group: group, since: time))
      }
    }
    _ = try await index.removeFinishedWaiters(since: start + .seconds(10))
    let old = try await index.waiters(.group("old", owner: "frank"), limit: 9)
    #expect(old.map(\.fingerprint) == [jobs[0].fingerprint], sourceLocation: place)
    #expect(
      try await index.waiters(.group("new", owner: "frank"), limit: 9).count == 3,
      sourceLocation: place)
  }

  private static func everyStateReadsBack(
    _ index: any BuildIndex, _ place: SourceLocation
  ) async throws {
    let result = BuildResult(
      statement: [1, 2, 3], root: Bytes32.zero, size: 7, accepted: start,
      expires: start + .seconds(9))
    var jobs: [Job] = []
    for number in 110..<115 { jobs.append(Job(try RequestFixture.request(number), now: start)) }
    for position in 1..<4 {
      _ = try jobs[position].claim(by: "wörker\u{7}", now: start, settings: settings)
    }
    _ = try jobs[2].complete(fence: 1, result: result, now: start)
    try jobs[3].fail(
      fence: 1, message: "no", lines: ["\u{1b}[31merror: ✗"], now: start, settings: settings)
    _ = jobs[4].cancel(now: start)
    for job in jobs {
      #expect(try await index.insert(job) == nil, sourceLocation: place)
      #expect(try await index.job(job.fingerprint) == job, sourceLocation: place)
    }
    let failed = try await index.jobs(.phase(.failed), limit: 10)
    #expect(failed.map(\.fingerprint) == [jobs[3].fingerprint], sourceLocation: place)
  }
}
