import Builder
import Glibc
import TestSupport
import Testing
import Trust
import Wire

@testable import Cloud

@Suite(.timeLimit(.minutes(2))) struct GatewayTests {
  let offer = RequestFixture.offer

  @Test func twoAskersShareOneBuildAndBothSeeItEnd() async throws {
    try await GatewayHarness().run { harness in
      let (one, two) = (
        try harness.client(harness.asker.text), try harness.client(harness.other.text)
      )
      let worker = try harness.client(harness.worker.text)
      let facts = RequestFixture.facts()
      let first = try await one.submit([facts], group: "group-one")
      #expect(first.map(\.state) == [.queued])
      _ = try await two.submit([facts], group: "group-two")

      let seen = Seen<GatewayEvent>()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          try await one.follow(group: "group-one") { event in await seen.add([event]) }
        }
        group.addTask { try await two.follow(group: "group-two") { _ in } }
        let job = try #require(try await worker.lease(offer, waiting: .seconds(10)))
        #expect(try job.request == BuildRequest(facts))
        #expect(try await worker.lease(offer, waiting: .zero) == nil, "there is one job only")
        #expect(try await worker.heartbeat(job.lease, lines: ["making"]) == .continue)
        try await worker.upload(job.lease, path: harness.file("good package"))
        try await worker.complete(job.lease, built: facts)
        try await worker.complete(job.lease, built: facts)
        try await group.waitForAll()
      }
      let events = await seen.all
      var states: [PackageStatus.State] = []
      var lines: [String] = []
      for event in events {
        switch event {
        case .status(let status): states.append(status.state)
        case .log(_, let more): lines += more
        }
      }
      #expect(states.last == .built && !states.contains(.failed))
      #expect(lines.contains("making"))
      let status = try #require(try await two.status(group: "group-two").first)
      #expect(status.statementBytes == [1, 2, 3] && status.size == 12)
      #expect(access(harness.scratch + "/staging", F_OK) == 0)
      let again = try await one.submit([facts], group: "group-three")
      #expect(again.map(\.state) == [.built], "what is built is answered at once")
    }
  }

  @Test func tokensAreChecked() async throws {
    try await GatewayHarness().run { harness in
      let url = "http://127.0.0.1:\(harness.port)"
      let stranger = try harness.client("larder_" + String(repeating: "0", count: 64))
      let refusal = await #expect(throws: GatewayClientError.refusedToken(url: url)) {
        try await stranger.submit([], group: "group-one")
      }
      #expect(refusal?.description.contains("larder cloud token create") == true)
      await #expect(throws: GatewayClientError.self) {
        try await harness.client(harness.worker.text).submit([], group: "group-one")
      }
      await #expect(throws: GatewayClientError.self) {
        try await harness.client(harness.asker.text).lease(offer, waiting: .zero)
      }
    }
  }

  @Test func othersRequestsAreInvisible() async throws {
    try await GatewayHarness().run { harness in
      _ = try await harness.client(harness.asker.text)
        .submit([RequestFixture.facts()], group: "group-one")
      await #expect(throws: GatewayClientError.self) {
        try await harness.client(harness.other.text).status(group: "group-one")
      }
    }
  }

  @Test func eachPackageIsRefusedByItself() async throws {
    try await GatewayHarness().run { harness in
      let answers = try await harness.client(harness.asker.text).submit(
        [
          RequestFixture.facts(cflags: "-O2 -fplugin=x.so"), RequestFixture.facts(),
          RequestFixture.facts(version: "1.13"),
        ], group: "group-one")
      #expect(answers.map(\.state) == [.refused, .queued, .refused])
      #expect(answers[0].message?.contains("-fplugin=x.so") == true)
      #expect(answers[2].message == "this gateway doesn't build version 1.13")
    }
  }

  @Test func endedLeaseGoesToAnotherWorkerAndTheLateOneIsLost() async throws {
    try await GatewayHarness().run { harness in
      _ = try await harness.client(harness.asker.text)
        .submit([RequestFixture.facts()], group: "group-one")
      let worker = try harness.client(harness.worker.text)
      let first = try #require(try await worker.lease(offer, waiting: .seconds(10))).lease
      harness.advance(.seconds(101))
      let second = try #require(try await worker.lease(offer, waiting: .seconds(10))).lease
      #expect(first.fence == 1 && second.fence == 2)
      #expect(try await worker.heartbeat(first, lines: ["late"]) == .lost)
      await #expect(throws: GatewayClientError.lost) {
        try await worker.upload(first, path: harness.file("good late"))
      }
      await #expect(throws: GatewayClientError.lost) {
        try await worker.complete(first, built: RequestFixture.facts())
      }
      await #expect(throws: GatewayClientError.lost) {
        try await worker.fail(first, message: "late", lines: [])
      }
      try await worker.upload(second, path: harness.file("good"))
      try await worker.complete(second, built: RequestFixture.facts())
      #expect(await harness.index.all.first?.state.phase == .built)
    }
  }

  @Test func releasedJobIsTakenAgain() async throws {
    try await GatewayHarness().run { harness in
      _ = try await harness.client(harness.asker.text)
        .submit([RequestFixture.facts()], group: "group-one")
      let worker = try harness.client(harness.worker.text)
      let first = try #require(try await worker.lease(offer, waiting: .seconds(10))).lease
      try await worker.release(first)
      #expect(try await worker.lease(offer, waiting: .seconds(10))?.lease.fence == 2)
    }
  }

  @Test func workerThatDoesNotFitGetsNothing() async throws {
    try await GatewayHarness().run { harness in
      _ = try await harness.client(harness.asker.text)
        .submit([RequestFixture.facts()], group: "group-one")
      var small = offer
      small.features = []
      let worker = try harness.client(harness.worker.text)
      #expect(try await worker.lease(small, waiting: .milliseconds(100)) == nil)
      harness.advance(.seconds(3))
      #expect(try await worker.lease(offer, waiting: .seconds(10)) != nil)
    }
  }

  @Test func failedBuildIsRememberedWithItsLog() async throws {
    try await GatewayHarness().run { harness in
      let asker = try harness.client(harness.asker.text)
      let worker = try harness.client(harness.worker.text)
      _ = try await asker.submit([RequestFixture.facts()], group: "group-one")
      let job = try #require(try await worker.lease(offer, waiting: .seconds(10)))
      try await worker.fail(job.lease, message: "src_compile failed", lines: ["x.c: error"])
      let again = try await asker.submit([RequestFixture.facts()], group: "group-two")
      #expect(again.map(\.state) == [.failed])
      #expect(again[0].message == "src_compile failed")
      #expect(again[0].log?.contains("x.c: error") == true)
      harness.advance(.seconds(6 * 3_600))
      let later = try await asker.submit([RequestFixture.facts()], group: "group-three")
      #expect(later.map(\.state) == [.queued])
    }
  }

  @Test func wrongResultIsRefusedAndFailsTheJob() async throws {
    try await GatewayHarness().run { harness in
      let worker = try harness.client(harness.worker.text)
      let asker = try harness.client(harness.asker.text)
      _ = try await asker.submit([RequestFixture.facts()], group: "group-one")
      let job = try #require(try await worker.lease(offer, waiting: .seconds(10)))
      try await worker.upload(job.lease, path: harness.file("evil"))
      let reason = "the result was refused: RDEPEND differs from the plan"
      await #expect(throws: GatewayClientError.refusedResult(reason)) {
        try await worker.complete(job.lease, built: job.request.facts)
      }
      let status = try await asker.status(group: "group-one")
      #expect(status.first?.state == .failed && status.first?.message == reason)
    }
  }

  @Test func buildOfSomethingElseIsRefusedNamingTheField() async throws {
    try await GatewayHarness().run { harness in
      let worker = try harness.client(harness.worker.text)
      let asker = try harness.client(harness.asker.text)
      _ = try await asker.submit([RequestFixture.facts()], group: "group-one")
      let job = try #require(try await worker.lease(offer, waiting: .seconds(10)))
      try await worker.upload(job.lease, path: harness.file("good"))
      let failure = await #expect(throws: GatewayClientError.self) {
        try await worker.complete(job.lease, built: RequestFixture.facts(use: ["debug", "nls"]))
      }
      #expect(failure?.description.contains("differs in USE") == true)
      let status = try await asker.status(group: "group-one")
      #expect(status.first?.state == .failed)
      #expect(status.first?.message?.contains("differs in USE") == true)
      #expect(harness.signed.isEmpty)
    }
  }

  @Test func factsOfTheBuildAreSignedAndNotThoseOfTheAsker() async throws {
    try await GatewayHarness().run { harness in
      let worker = try harness.client(harness.worker.text)
      _ = try await harness.client(harness.asker.text)
        .submit([RequestFixture.facts()], group: "group-one")
      let job = try #require(try await worker.lease(offer, waiting: .seconds(10)))
      try await worker.upload(job.lease, path: harness.file("good"))
      var built = job.request.facts
      built.compiler.version = "15.1.0"
      built.flags["CFLAGS"] = "-O3"
      try await worker.complete(job.lease, built: built)
      #expect(harness.signed.map(\.facts) == [built])
    }
  }

  @Test func tooLargeUploadIsRefusedAndNothingStays() async throws {
    try await GatewayHarness().run { harness in
      let worker = try harness.client(harness.worker.text)
      _ = try await harness.client(harness.asker.text)
        .submit([RequestFixture.facts()], group: "group-one")
      let job = try #require(try await worker.lease(offer, waiting: .seconds(10)))
      let path = try harness.file("0123456789abcdef", repeated: (1 << 16) + 1)
      await #expect(throws: GatewayClientError.self) {
        try await worker.upload(job.lease, path: path)
      }
      #expect(rmdir(harness.scratch + "/staging") == 0, "the staging directory is empty")
    }
  }

  @Test func withdrawnRequestTellsTheWorkerToStop() async throws {
    try await GatewayHarness().run { harness in
      let asker = try harness.client(harness.asker.text)
      let worker = try harness.client(harness.worker.text)
      _ = try await asker.submit([RequestFixture.facts()], group: "group-one")
      let job = try #require(try await worker.lease(offer, waiting: .seconds(10)))
      try await asker.withdraw(group: "group-one")
      #expect(try await worker.heartbeat(job.lease, lines: []) == .cancel)
    }
  }

  @Test func waitingPackagesAreBounded() async throws {
    try await GatewayHarness().run({ $0.openRequests = 2 }) { harness in
      let asker = try harness.client(harness.asker.text)
      let facts = (0..<3).map { RequestFixture.facts(version: "2.\($0)") }
      _ = try await asker.submit([facts[0]], group: "group-one")
      _ = try await asker.submit([facts[1]], group: "group-two")
      await #expect(throws: GatewayClientError.self) {
        try await asker.submit([facts[2]], group: "group-three")
      }
      _ = try await harness.client(harness.other.text).submit([facts[2]], group: "group-one")
    }
  }

  @Test func boundOnWaitingPackagesHoldsForRequestsAtOnce() async throws {
    try await GatewayHarness().run({ $0.openRequests = 3 }) { harness in
      let asker = try harness.client(harness.asker.text, tries: 1)
      let taken = await withTaskGroup(of: Int.self) { group in
        for number in 0..<6 {
          group.addTask {
            let facts = (0..<2).map { RequestFixture.facts(version: "3.\(number).\($0)") }
            return (try? await asker.submit(facts, group: "group-at-once-\(number)").count) ?? 0
          }
        }
        return await group.reduce(0, +)
      }
      #expect(taken == 2, "one request of two fits, a second one does not")
      #expect(await harness.index.all.count == 2, "nothing of a refused request is queued")
    }
  }

  @Test func finishedPackagesMakeRoomAtOnceAndARepeatCountsOnce() async throws {
    try await GatewayHarness().run({ $0.openRequests = 2 }) { harness in
      let asker = try harness.client(harness.asker.text)
      let worker = try harness.client(harness.worker.text)
      for number in 0..<5 {
        let facts = RequestFixture.facts(version: "4.\(number)")
        for _ in 0..<3 { _ = try await asker.submit([facts], group: "group-no-\(number)") }
        let job = try #require(try await worker.lease(offer, waiting: .seconds(10)))
        try await worker.upload(job.lease, path: harness.file("good package \(number)"))
        try await worker.complete(job.lease, built: facts)
      }
      #expect(await harness.index.all.filter { $0.state.phase == .built }.count == 5)
    }
  }

  @Test func callsAreBounded() async throws {
    try await GatewayHarness().run({ $0.callsPerMinute = 3 }) { harness in
      let asker = try harness.client(harness.asker.text, tries: 1)
      for _ in 0..<3 { _ = try await asker.submit([], group: "group-one") }
      let refusal = await #expect(throws: GatewayClientError.self) {
        try await asker.submit([], group: "group-one")
      }
      #expect(refusal?.description.contains("too many calls") == true)
    }
  }

  @Test func jobsSurviveTheGateway() async throws {
    let harness = try GatewayHarness()
    try await harness.run { harness in
      _ = try await harness.client(harness.asker.text)
        .submit([RequestFixture.facts()], group: "group-one")
    }
    try await harness.run { harness in
      let worker = try harness.client(harness.worker.text)
      #expect(try await worker.lease(offer, waiting: .seconds(10)) != nil)
    }
  }

  @Test func lostMessageIsRungAgain() async throws {
    try await GatewayHarness().run { harness in
      _ = try await harness.client(harness.asker.text)
        .submit([RequestFixture.facts()], group: "group-one")
      for delivery in await harness.queue.receive(limit: 9, hidden: .zero, now: harness.now) {
        await harness.queue.acknowledge(delivery.receipt)
      }
      harness.advance(.seconds(61))
      let worker = try harness.client(harness.worker.text)
      #expect(try await worker.lease(offer, waiting: .seconds(10)) != nil)
    }
  }

  @Test func takenPortIsNamed() async throws {
    try await GatewayHarness().run { harness in
      let second = try harness.gateway()
      let failure = await #expect(throws: Gateway.Failure.self) { try await second.run() }
      #expect(failure?.description.contains("Address already in use") == true)
    }
  }

  @Test func localClientSpeaksToTheSameDesk() async throws {
    let harness = try GatewayHarness()
    let gateway = try harness.gateway()
    try await withThrowingTaskGroup(of: Void.self) { group in
      let (ports, bound) = AsyncStream<Int>.makeStream(bufferingPolicy: .bufferingNewest(1))
      group.addTask { try await gateway.run { bound.yield($0) } }
      for await _ in ports { break }
      let request = try RequestFixture.request()
      let waiter = Waiter(
        fingerprint: request.fingerprint, owner: "a", group: "g", since: harness.now)
      let job = try await harness.index.submit(request, for: waiter, now: harness.now)
      await harness.queue.ring(Ring(for: job))
      let leased = try #require(try await gateway.leases.lease(offer, waiting: .seconds(10)))
      try await gateway.leases.upload(leased.lease, path: harness.file("good"))
      try await gateway.leases.complete(leased.lease, built: request.facts)
      #expect(try await gateway.jobCounts()[.leased] == 0)
      group.cancelAll()
    }
  }
}
