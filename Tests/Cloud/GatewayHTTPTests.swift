import AsyncHTTPClient
import Builder
import FoundationEssentials
import NIOCore
import NIOHTTP1
import TestSupport
import Testing
import Wire

@testable import Cloud

@Suite(.timeLimit(.minutes(2))) struct GatewayHTTPTests {
  func raw(
    _ harness: GatewayHarness, _ method: HTTPMethod, _ path: String, _ body: String? = nil,
    token: String? = nil
  ) async throws -> (status: UInt, text: String) {
    var request = HTTPClientRequest(url: "http://127.0.0.1:\(harness.port)\(path)")
    request.method = method
    if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
    if let body { request.body = .bytes(ByteBuffer(string: body)) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
    let buffer = try await response.body.collect(upTo: 1 << 20)
    return (UInt(response.status.code), String(buffer: buffer))
  }

  @Test(arguments: [
    "", "{", "[]", "null", "{\"group\":\"group-one\"}",
    "{\"group\":\"group-one\",\"packages\":[{}]}", "{\"group\":5,\"packages\":[]}",
    "{\"group\":\"../../etc\",\"packages\":[]}", "{\"group\":\"x\",\"packages\":[]}",
    "{\"group\":\"group-one\",\"packages\":[{\"type\":\"ebuild\",\"category\":\"a\"}]}",
  ])
  func garbageIsAnsweredWith400(body: String) async throws {
    try await GatewayHarness().run { harness in
      let answer = try await raw(harness, .POST, "/v1/requests", body, token: harness.asker.text)
      #expect(answer.status == 400)
      #expect(answer.text.contains("\"malformed\""))
    }
  }

  @Test func aLostStagingDirectoryIsUnhealthyWithoutTellingItsPath() async throws {
    try await GatewayHarness().run { harness in
      #expect(try await raw(harness, .GET, "/healthz").status == 200)
      try FileManager.default.removeItem(atPath: harness.settings.staging)
      let answer = try await raw(harness, .GET, "/healthz")
      #expect(answer.status == 503)
      #expect(!answer.text.contains("/"))
    }
  }

  @Test func oddPathsAreAnswered() async throws {
    try await GatewayHarness().run { harness in
      let worker = harness.worker.text
      #expect(try await raw(harness, .GET, "/healthz").status == 200)
      #expect(try await raw(harness, .GET, "/v1/nothing").status == 404)
      #expect(try await raw(harness, .GET, "/v1/requests/group-one").status == 401)
      let garbage = try await raw(
        harness, .POST, "/v1/leases/zz/1/complete", "{}", token: worker)
      #expect(garbage.status == 400)
      let facts = String(decoding: try JSONEncoder().encode(RequestFixture.facts()), as: UTF8.self)
      let fingerprint = String(repeating: "0", count: 64)
      let unknown = try await raw(
        harness, .POST, "/v1/leases/\(fingerprint)/1/complete", "{\"built\":\(facts)}",
        token: worker)
      #expect(unknown.status == 404)
      let without = try await raw(
        harness, .POST, "/v1/leases/\(fingerprint)/1/complete", "{}", token: worker)
      #expect(without.status == 400 && without.text.contains("built is missing"))
      let lost = try await raw(
        harness, .PUT, "/v1/leases/\(fingerprint)/1/upload", "x", token: worker)
      #expect(lost.status == 409)
    }
  }

  @Test func tooLargeBodyIsRefused() async throws {
    try await GatewayHarness().run { harness in
      let answer = try await raw(
        harness, .POST, "/v1/leases", String(repeating: " ", count: Messages.bodyLimit + 1),
        token: harness.worker.text)
      #expect(answer.status == 413)
    }
  }

  @Test func silentStreamIsPinged() async throws {
    try await GatewayHarness().run({ $0.ping = .milliseconds(50) }) { harness in
      let client = try harness.client(harness.asker.text)
      _ = try await client.submit([RequestFixture.facts()], group: "group-one")
      let request = client.request(.GET, "/v1/requests/group-one/events")
      let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
      #expect(response.headers.first(name: "Content-Type") == "text/event-stream")
      var text = ""
      for try await part in response.body {
        text += String(buffer: part)
        if text.contains(": ping") { break }
      }
      #expect(text.hasPrefix("event: "))
      #expect(text.contains("event: status") && text.contains("\"queued\""))
    }
  }

  @Test func streamsAreBounded() async throws {
    try await GatewayHarness().run({ $0.openStreams = 1 }) { harness in
      let client = try harness.client(harness.asker.text, tries: 1)
      _ = try await client.submit([RequestFixture.facts()], group: "group-one")
      let request = client.request(.GET, "/v1/requests/group-one/events")
      let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
      var iterator = response.body.makeAsyncIterator()
      _ = try await iterator.next()
      let second = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
      #expect(second.status == .tooManyRequests)
    }
  }

  @Test func followingSurvivesARestartAndRepeatsNothing() async throws {
    let harness = try GatewayHarness()
    try await harness.run { harness in
      let client = try harness.client(harness.asker.text)
      _ = try await client.submit([RequestFixture.facts()], group: "group-one")
      let worker = try harness.client(harness.worker.text)
      let job = try #require(try await worker.lease(RequestFixture.offer, waiting: .seconds(10)))
      _ = try await worker.heartbeat(job.lease, lines: ["one"])
    }
    let lines = Seen<String>()
    let client = try harness.client(harness.asker.text, tries: 50)
    try await withThrowingTaskGroup(of: Void.self) { group in
      let (seen, bell) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
      group.addTask {
        try await client.follow(group: "group-one") { event in
          if case .log(_, let more) = event {
            await lines.add(more)
            bell.yield()
          }
        }
      }
      try await harness.run { _ in
        for await _ in seen { break }
      }
      try await harness.run { harness in
        let worker = try harness.client(harness.worker.text)
        let job = try #require(await harness.index.all.first)
        guard case .leased(let lease, _) = job.state else { return }
        _ = try await worker.heartbeat(lease, lines: ["two"])
        try await worker.upload(lease, path: harness.file("good"))
        try await worker.complete(lease, built: job.request.facts)
        for await _ in seen {
          if await lines.all.contains("larder: built") { break }
        }
      }
      try await group.waitForAll()
    }
    let all = await lines.all
    #expect(all.filter { $0 == "one" }.count == 1 && all.filter { $0 == "two" }.count == 1)
  }

  @Test func silenceAndBadAddressesAreNamed() async throws {
    var settings = GatewayClient.Settings(url: "http://127.0.0.1:1", token: "x")
    settings.tries = 2
    let failure = await #expect(throws: GatewayClientError.self) {
      try await GatewayClient(settings).status(group: "group-one")
    }
    #expect(failure?.description.hasPrefix("gateway http://127.0.0.1:1 can't be reached") == true)
    for url in ["", "ftp://x", "localhost:7785", "http://"] {
      settings.url = url
      #expect(throws: GatewayClientError.badURL(url)) { try GatewayClient(settings) }
    }
  }
}
