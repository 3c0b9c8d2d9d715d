import TestSupport
import Testing
import Trust
import Wire

@testable import Builder

/// Index and doorbell together: whatever the queue does to its messages, every job is built once.
@Suite struct QueueModelTests {
  @Test(arguments: 0..<40 as Range<UInt64>)
  func everyJobIsBuiltOnceAlthoughMessagesAreLostDoubledAndReordered(seed: UInt64) async throws {
    var random = SplitMix64(seed: seed)
    var faults = MemoryJobQueue.Faults()
    faults.duplicates = 30
    faults.losses = 30
    faults.reorders = true
    let memory = MemoryBuildIndex()
    let index: any BuildIndex = memory
    let queue: any JobQueue = MemoryJobQueue(faults: faults, seed: seed)
    var settings = BuildSettings()
    settings.attempts = 1_000
    var now = Timestamp(0)
    var accepted: [Fingerprint: Int] = [:]
    for number in 0..<10 {
      let request = try RequestFixture.request(number)
      let waiter = Waiter(fingerprint: request.fingerprint, owner: "o", group: "g", since: now)
      let job = try await index.submit(request, for: waiter, now: now)
      try await queue.ring(Ring(for: job))
    }
    for _ in 0..<2_000 where accepted.count < 10 {
      now = now + .seconds(Int64.random(in: 1...30, using: &random))
      for job in try await index.sweep(now: now, settings: settings) {
        try await queue.ring(Ring(for: job))
      }
      let limit = now - settings.ringsAgain
      for job in try await index.jobs(.due(.queued, before: limit), limit: 100) {
        try await queue.ring(Ring(for: job))
      }
      for delivery in try await queue.receive(limit: 2, hidden: .seconds(60), now: now) {
        let fingerprint = delivery.ring.fingerprint
        try await queue.acknowledge(delivery.receipt)
        guard
          let claim = try await index.claim(fingerprint, by: "w", now: now, settings: settings)
        else { continue }
        if Int.random(in: 0..<3, using: &random) == 0 { continue }
        let result = BuildResult(
          statement: [], root: fingerprint.bytes, size: 1, accepted: now, expires: Timestamp(.max))
        let completion = try await index.complete(
          fingerprint, fence: claim.lease.fence, result: result, now: now)
        if completion == .accepted { accepted[fingerprint, default: 0] += 1 }
      }
    }
    #expect(accepted.count == 10)
    #expect(accepted.values.allSatisfy { $0 == 1 })
    #expect(await memory.all.allSatisfy { $0.state.phase == .built })
  }
}
