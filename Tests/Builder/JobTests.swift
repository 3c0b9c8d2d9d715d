import TestSupport
import Testing
import Wire

@testable import Builder

@Suite struct JobTests {
  let settings = BuildSettings()
  let start = Timestamp(1_000)

  func result(_ number: UInt64 = 1, expires: Timestamp = Timestamp(1_000_000)) -> BuildResult {
    BuildResult(
      statement: [1], root: Bytes32(words: (number, 0, 0, 0)), size: 10, accepted: start,
      expires: expires)
  }

  func leased() throws -> Job {
    var job = Job(try RequestFixture.request(), now: start)
    _ = try job.claim(by: "w", now: start, settings: settings)
    return job
  }

  @Test func claimRaisesTheFence() throws {
    var job = Job(try RequestFixture.request(), now: start)
    let first = try job.claim(by: "a", now: start, settings: settings)
    #expect(first.fence == 1 && first.until == start + settings.lease)
    #expect(throws: Job.Refusal.notQueued(.leased)) {
      try job.claim(by: "b", now: start, settings: settings)
    }
    #expect(job.sweep(now: first.until, settings: settings) == true)
    #expect(try job.claim(by: "b", now: first.until, settings: settings).fence == 2)
  }

  @Test func heartbeatExtendsAndKeepsLines() throws {
    var job = try leased()
    let later = start + .seconds(90)
    #expect(job.heartbeat(fence: 1, lines: ["x"], now: later, settings: settings) == .continue)
    #expect(job.due == later + settings.lease)
    #expect(job.log.lines.last == "x")
  }

  @Test func oldFenceIsLost() throws {
    var job = try leased()
    _ = job.sweep(now: start + settings.lease, settings: settings)
    let now = start + settings.lease
    #expect(job.heartbeat(fence: 1, lines: [], now: now, settings: settings) == .lost)
    _ = try job.claim(by: "b", now: now, settings: settings)
    #expect(throws: Job.Refusal.lost(fence: 1, current: 2)) {
      try job.complete(fence: 1, result: result(), now: now)
    }
    #expect(throws: Job.Refusal.lost(fence: 1, current: 2)) {
      try job.fail(fence: 1, message: "late", lines: [], now: now, settings: settings)
    }
  }

  @Test func endedLeaseIsLostBeforeTheSweep() throws {
    var job = try leased()
    let end = start + settings.lease
    #expect(job.heartbeat(fence: 1, lines: [], now: end, settings: settings) == .lost)
    #expect(throws: Job.Refusal.lost(fence: 1, current: 1)) {
      try job.complete(fence: 1, result: result(), now: end)
    }
  }

  @Test func sameResultTwiceIsFineAnotherIsAConflict() throws {
    var job = try leased()
    #expect(try job.complete(fence: 1, result: result(), now: start) == .accepted)
    #expect(try job.complete(fence: 1, result: result(), now: start) == .repeated)
    #expect(try job.complete(fence: 9, result: result(), now: start) == .repeated)
    #expect(try job.complete(fence: 1, result: result(2), now: start) == .conflict)
    #expect(job.conflicts == 1)
    #expect(job.state == .built(result()))
  }

  @Test func cancellingReachesTheWorkerAtItsHeartbeat() throws {
    var job = try leased()
    #expect(job.cancel(now: start) == true)
    #expect(job.heartbeat(fence: 1, lines: [], now: start, settings: settings) == .cancel)
    try job.fail(fence: 1, message: "cancelled", lines: [], now: start, settings: settings)
    #expect(job.state == .cancelled(at: start))
  }

  @Test func askingAgainStopsTheCancelling() throws {
    var job = try leased()
    _ = job.cancel(now: start)
    #expect(job.submit(priority: 0, now: start) == true)
    #expect(job.heartbeat(fence: 1, lines: [], now: start, settings: settings) == .continue)
  }

  @Test func failureIsRememberedForAWhile() throws {
    var job = try leased()
    try job.fail(fence: 1, message: "no\u{1b}[0m", lines: ["e"], now: start, settings: settings)
    let until = start + settings.remembersFailure
    #expect(job.state == .failed(BuildFailure(message: "no[0m", failed: start, until: until)))
    let sooner = job.submit(priority: 0, now: until - .seconds(1))
    #expect(!sooner)
    #expect(job.submit(priority: 0, now: until) == true)
    #expect(job.state == .queued(since: until) && job.attempts == 0 && job.log.lines.isEmpty)
    #expect(try job.claim(by: "w", now: until, settings: settings).fence == 2)
  }

  @Test func failingTwiceWithTheSameFenceIsHarmless() throws {
    var job = try leased()
    try job.fail(fence: 1, message: "a", lines: [], now: start, settings: settings)
    let after = job
    try job.fail(fence: 1, message: "b", lines: [], now: start, settings: settings)
    #expect(job == after)
  }

  @Test func vanishingWorkersFailTheJobAtLast() throws {
    var job = Job(try RequestFixture.request(), now: start)
    var now = start
    for attempt in 1...settings.attempts {
      #expect(try job.claim(by: "w", now: now, settings: settings).fence == UInt64(attempt))
      now = now + settings.lease
      #expect(job.sweep(now: now, settings: settings) == true)
    }
    #expect(job.state.phase == .failed)
  }

  @Test func releasingCostsNoAttempt() throws {
    var job = try leased()
    try job.release(fence: 1, now: start)
    #expect(job.attempts == 0 && job.state == .queued(since: start))
  }

  @Test func expiredResultIsBuiltAnew() throws {
    var job = try leased()
    _ = try job.complete(fence: 1, result: result(expires: start + .seconds(5)), now: start)
    let sooner = job.submit(priority: 0, now: start + .seconds(4))
    #expect(!sooner)
    #expect(job.submit(priority: 0, now: start + .seconds(5)) == true)
    #expect(job.state.phase == .queued)
  }

  @Test func logKeepsItsLastLinesAndTheirNumbers() {
    var log = BuildLog()
    for number in 0..<1_000 { log.append(["line \(number)"]) }
    #expect(log.lines.count == BuildLog.capacity)
    #expect(log.first == 600 && log.next == 1_000)
    #expect(Array(log.since(998).lines) == ["line 998", "line 999"])
    #expect(log.since(3).lines.first == "line 600")
    #expect(log.since(5_000).lines.isEmpty)
  }

  @Test func logLinesAreCleanAndShort() {
    #expect(BuildLog.clean("a\u{1b}[31mb\u{0}\tc\u{9b}d\r") == "a[31mb\tcd")
    let long = BuildLog.clean(String(repeating: "é", count: 900))
    #expect(long.utf8.count == BuildLog.lineLength)
  }
}
