import FoundationEssentials
import Logging
import Testing

@testable import Binhost

/// What other machines and other sites' pages learn from the HTTP server.
@Suite("Who may see the status") struct StatusPrivacyTests {
  private static var full: StatusSnapshot {
    var status = StatusSnapshot()
    status.node.key = "0123"
    status.node.addresses = ["198.51.100.7:7782"]
    status.peerCount = 7
    status.peers = [.init(key: "feed5eed", address: "203.0.113.9:7782", note: "banned")]
    status.refusals = ["app-misc/a-1: not published: may carry secrets: GITHUB_TOKEN"]
    status.warnings = ["/root/bootstrap: line 2", "the trust list is not in force"]
    status.jobs = [.init(name: "app-misc/b-2", state: "leased", age: 3, detail: "/home/alice/x.c")]
    status.lookups.hits = 5
    return status
  }

  @Test func othersSeeNumbersAndNoPeerPathOrReason() throws {
    let reduced = Self.full.reduced
    let text = String(decoding: try JSONEncoder().encode(reduced), as: UTF8.self)
    for word in [
      "feed5eed", "203.0.113.9", "198.51.100.7", "GITHUB_TOKEN", "bootstrap", "trust list", "alice",
    ] {
      #expect(!text.contains(word), "\(word)")
    }
    #expect(reduced.peerCount == 7 && reduced.lookups.hits == 5)
    #expect(reduced.jobs.map(\.name) == ["app-misc/b-2"])
    #expect(reduced.warnings == ["3 notes for the owner: see larder status there"])
    #expect(StatusSnapshot().reduced == StatusSnapshot())
  }

  @Test func onlyLoopbackIsThisMachine() {
    for address in ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"] {
      #expect(RequestSource.isLocal(address), "\(address)")
    }
    for address in ["192.168.0.5", "::2", "fe80::1", "::ffff:192.168.0.5", "", nil] {
      #expect(!RequestSource.isLocal(address), "\(address ?? "nil")")
    }
  }

  @Test func serverIsAskedByAddressOrByItsOwnNames() {
    let names = HostNames(["Box.lan", "box"])
    for host in [
      "127.0.0.1", "127.0.0.1:7783", "192.168.0.5:1", "[::1]", "[::1]:7783", "localhost",
      "LOCALHOST:7783", "box", "box.lan:7783", "box.lan.", "BOX.LAN",
    ] {
      #expect(names.allow(host), "\(host)")
    }
    for host in [
      nil, "", ":", ":7783", "evil.example", "evil.example:7783", "box.evil.example", "[::1",
      "[box]", "[::1]x", "[::1]:80x", "127.0.0.1.evil.example", "localhost:a", "xbox", "::1",
      "box:1:2",
    ] {
      #expect(!names.allow(host), "\(host ?? "nil")")
    }
  }

  @Test func anotherSitesNameGetsNothingAtAll() async throws {
    let fixture = try BinhostFixture()
    let binhost = try BinhostDirectory(path: fixture.path)
    var settings = BinhostServer.Settings()
    settings.port = 0
    settings.names = HostNames(["box"])
    let server = BinhostServer(
      directory: binhost, metrics: PrometheusRegistry(), settings: settings,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, status: { Self.full })
    let (ports, port) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingOldest(1))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run { port.yield($0) } }
      var iterator = ports.makeAsyncIterator()
      let number = try #require(await iterator.next())
      for path in ["/status.json", "/", "/metrics", "/healthz", "/binhost/node/Packages"] {
        let answer = try await RawClient.send("GET", path, host: "evil.example", port: number)
        #expect(answer.status == 421 && !answer.text.contains("feed5eed"), "\(path)")
      }
      // This machine itself sees everything.
      let own = try await RawClient.send("GET", "/status.json", host: "box:\(number)", port: number)
      #expect(own.status == 200 && own.text.contains("feed5eed"))
      #expect(own.text.contains("GITHUB_TOKEN"))
      group.cancelAll()
    }
  }
}
