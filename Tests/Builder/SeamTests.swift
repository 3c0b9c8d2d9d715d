import TestSupport
import Testing
import Wire

@testable import Builder

@Suite struct SeamTests {
  @Test func memoryIndexConforms() async throws {
    try await BuildIndexConformance.run(MemoryBuildIndex())
  }

  @Test func memoryQueueConforms() async throws {
    try await JobQueueConformance.run(MemoryJobQueue())
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func duplicatingQueueConforms(seed: UInt64) async throws {
    var faults = MemoryJobQueue.Faults()
    faults.duplicates = 30
    faults.reorders = true
    try await JobQueueConformance.run(MemoryJobQueue(faults: faults, seed: seed))
  }

  @Test func stepsSurviveRivals() async throws {
    let index = MemoryBuildIndex()
    let request = try RequestFixture.request()
    let waiter = Waiter(
      fingerprint: request.fingerprint, owner: "a", group: "g", since: .init(0))
    _ = try await index.submit(request, for: waiter, now: .init(0))
    await index.interfere(10)
    #expect(
      try await index.claim(
        request.fingerprint, by: "w", now: .init(1), settings: BuildSettings()) != nil)
    await index.interfere(1_000)
    await #expect(throws: BuildIndexError.contended(request.fingerprint)) {
      try await index.release(request.fingerprint, fence: 1, now: .init(1))
    }
  }

  @Test func twoRequestsShareOneJobAndTheLastWithdrawalCancels() async throws {
    let index = MemoryBuildIndex()
    let request = try RequestFixture.request()
    func waiter(_ owner: String) -> Waiter {
      Waiter(fingerprint: request.fingerprint, owner: owner, group: "g", since: .init(0))
    }
    _ = try await index.submit(request, for: waiter("a"), now: .init(0))
    _ = try await index.submit(request, for: waiter("b"), priority: 5, now: .init(3))
    let jobs = await index.all
    #expect(jobs.count == 1)
    #expect(jobs.first?.priority == 5)
    try await index.withdraw(waiter("a"), now: .init(4))
    #expect(await index.all.first?.state.phase == .queued)
    try await index.withdraw(waiter("b"), now: .init(5))
    #expect(await index.all.first?.state.phase == .cancelled)
    _ = try await index.submit(request, for: waiter("c"), now: .init(6))
    #expect(await index.all.first?.state.phase == .queued)
  }
}
