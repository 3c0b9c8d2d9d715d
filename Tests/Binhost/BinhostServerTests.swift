import CoreMetrics
import Foundation
import Logging
import Portage
import TestSupport
import Testing

@testable import Binhost

private let now: Int64 = 1_800_000_000

/// Runs `body` beside a server of the fixture's binhost.
private func serving(
  _ fixture: BinhostFixture, health: String? = nil, status: StatusSnapshot = StatusSnapshot(),
  _ body: @escaping @Sendable (Int, BinhostDirectory) async throws -> Void
) async throws {
  let binhost = try BinhostDirectory(path: fixture.path)
  let metrics = PrometheusRegistry()
  metrics.makeCounter(label: "tests_total", dimensions: []).increment(by: 1)
  var settings = BinhostServer.Settings()
  settings.port = 0
  settings.node = "abc"
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  let server = BinhostServer(
    directory: binhost, metrics: metrics, settings: settings, logger: logger,
    status: { status }, health: { health })
  let (ports, port) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingOldest(1))
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await server.run { port.yield($0) } }
    var iterator = ports.makeAsyncIterator()
    let number = try #require(await iterator.next())
    try await body(number, binhost)
    group.cancelAll()
  }
}

@Test func indexAndPackagesAreServed() async throws {
  let fixture = try BinhostFixture()
  try await serving(fixture) { port, binhost in
    let listing = try fixture.listing(
      "app-misc/c++-1", String(repeating: "0123456789", count: 90_000))
    _ = try await binhost.publish([listing], now: now)
    for name in ["Packages", "Packages.gz"] {
      let answer = try await RawClient.send("GET", "/binhost/abc/\(name)", port: port)
      #expect(answer.status == 200)
      #expect(answer.body == (try fixture.directory.read("binhost/current/\(name)")))
      #expect(answer.header("Last-Modified") == HTTPDate.text(now))
      #expect(answer.header("Content-Length") == String(answer.body.count))
    }
    let path = try #require(listing.entry["PATH"])
    for target in [path, path.replacingOccurrences(of: "+", with: "%2B")] {
      let answer = try await RawClient.send("GET", "/binhost/abc/\(target)", port: port)
      #expect(answer.status == 200 && answer.body.count == 900_000)
      #expect(answer.body == (try fixture.directory.read("binhost/current/\(path)")))
    }
    let head = try await RawClient.send("HEAD", "/binhost/abc/\(path)", port: port)
    #expect(head.status == 200 && head.body.isEmpty)
    #expect(head.header("Content-Length") == "900000")
  }
}

@Test func indexIsAnsweredByPortagesRuleOfFreshness() async throws {
  let fixture = try BinhostFixture()
  try await serving(fixture) { port, binhost in
    _ = try await binhost.publish([fixture.listing("app-misc/a-1")], now: now)
    func ask(_ cached: Int64, _ name: String) async throws -> RawClient.Answer {
      let since = "If-Modified-Since: " + HTTPDate.text(cached + 5)
      return try await RawClient.send("GET", "/binhost/abc/\(name)", [since], port: port)
    }
    for name in ["Packages", "Packages.gz"] {
      #expect(try await ask(now, name).status == 304)
      let older = try await ask(now - 1, name)
      #expect(older.status == 200 && older.header("Last-Modified") == HTTPDate.text(now))
      // A client that is ahead of us gets an index that it must take for newer.
      let ahead = try await ask(now + 400, name)
      #expect(ahead.status == 200 && ahead.header("Last-Modified") == nil)
      let plain =
        name == "Packages" ? ahead.body : try Gzip.unpacked(ahead.body, limit: 1 << 20)
      let index = try PackagesIndex(plain)
      #expect(index.timestamp == now + 401)
      #expect(index.entries.map { $0["CPV"] } == ["app-misc/a-1"])
    }
    let garbage = try await RawClient.send(
      "GET", "/binhost/abc/Packages", ["If-Modified-Since: yesterday"], port: port)
    #expect(garbage.status == 200)
  }
}

@Test func rangesContinueADownload() async throws {
  let fixture = try BinhostFixture()
  try await serving(fixture) { port, binhost in
    let listing = try fixture.listing("app-misc/a-1", "0123456789")
    _ = try await binhost.publish([listing], now: now)
    let target = "/binhost/abc/\(try #require(listing.entry["PATH"]))"
    let part = try await RawClient.send("GET", target, ["Range: bytes=4-"], port: port)
    #expect(part.status == 206 && part.text == "456789")
    #expect(part.header("Content-Range") == "bytes 4-9/10")
    let tag = try #require(part.header("ETag"))
    let same = try await RawClient.send(
      "GET", target, ["Range: bytes=-3", "If-Range: \(tag)"], port: port)
    #expect(same.status == 206 && same.text == "789")
    let other = try await RawClient.send(
      "GET", target, ["Range: bytes=4-", "If-Range: \"other\""], port: port)
    #expect(other.status == 200 && other.text == "0123456789")
    let past = try await RawClient.send("GET", target, ["Range: bytes=10-"], port: port)
    #expect(past.status == 416 && past.header("Content-Range") == "bytes */10")
    let known = try await RawClient.send("GET", target, ["If-None-Match: \(tag)"], port: port)
    #expect(known.status == 304)
  }
}

@Test func nothingElseIsServed() async throws {
  let fixture = try BinhostFixture()
  try fixture.directory.write([1], to: "binhost/pool/app-misc/a/secret.txt")
  try fixture.directory.write([1], to: "binhost/secret.gpkg.tar")
  try FileManager.default.createSymbolicLink(
    atPath: fixture.path + "/pool/app-misc/a/link.gpkg.tar", withDestinationPath: "/etc/passwd")
  try await serving(fixture) { port, binhost in
    _ = try await binhost.publish([fixture.listing("app-misc/a-1")], now: now)
    for target in [
      "/binhost/abc/../../blobs", "/binhost/abc/%2e%2e/%2e%2e/etc/passwd", "/binhost/abc/",
      "/binhost/abc/app-misc", "/binhost/abc/app-misc/a/secret.txt", "/binhost/abc//etc/passwd",
      "/binhost/abc/../secret.gpkg.tar", "/binhost/abc/app-misc/a/link.gpkg.tar",
      "/binhost/abc/app-misc/a/%00.gpkg.tar", "/binhost/other/Packages", "/binhost/abc/current",
      "/favicon.ico",
    ] {
      let answer = try await RawClient.send("GET", target, port: port)
      #expect(answer.status == 404, "\(target)")
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
      let answer = try await RawClient.send(method, "/binhost/abc/Packages", port: port)
      #expect(answer.status == 405 && answer.header("Allow") == "GET, HEAD")
    }
  }
}

@Test func binhostIsEmptyBeforeTheFirstIndex() async throws {
  try await serving(BinhostFixture()) { port, _ in
    let answer = try await RawClient.send("GET", "/binhost/abc/Packages.gz", port: port)
    #expect(answer.status == 404)
  }
}

@Test func statusIsJSONAndThePageTakesTextAsText() async throws {
  var status = StatusSnapshot()
  let hostile = "</script><script>alert(1)</script>"
  status.peers = (0..<500).map { _ in
    StatusSnapshot.Peer(key: hostile, address: "192.0.2.1:7782")
  }
  status.lookups.hits = 3
  try await serving(BinhostFixture(), status: status) { port, _ in
    let answer = try await RawClient.send("GET", "/status.json", port: port)
    #expect(answer.header("Content-Type") == "application/json")
    let decoded = try JSONDecoder().decode(StatusSnapshot.self, from: Data(answer.body))
    #expect(decoded.peers.count == StatusSnapshot.mostRows && decoded.peerCount == 500)
    #expect(decoded.peers[0].key == hostile && decoded.lookups.hits == 3)

    let page = try await RawClient.send("GET", "/", port: port)
    #expect(page.status == 200 && page.text.hasPrefix("<!doctype html>"))
    #expect(page.header("Content-Security-Policy")?.contains("default-src 'none'") == true)
    #expect(page.header("X-Content-Type-Options") == "nosniff")
    for word in ["innerHTML", "outerHTML", "document.write", "eval(", "http://", "https://"] {
      #expect(!page.text.contains(word), "\(word)")
    }
  }
}

@Test func healthAndMetricsAreForMachines() async throws {
  try await serving(BinhostFixture()) { port, _ in
    let health = try await RawClient.send("GET", "/healthz", port: port)
    #expect(health.status == 200 && health.text == "ok\n")
    let metrics = try await RawClient.send("GET", "/metrics", port: port)
    #expect(metrics.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
    #expect(metrics.text.contains("# TYPE tests_total counter\ntests_total 1\n"))
  }
  try await serving(BinhostFixture(), health: "the disk is full") { port, _ in
    let health = try await RawClient.send("GET", "/healthz", port: port)
    #expect(health.status == 503 && health.text == "the disk is full\n")
  }
}

@Test func portInUseIsSaid() async throws {
  let fixture = try BinhostFixture()
  try await serving(fixture) { port, binhost in
    var settings = BinhostServer.Settings()
    settings.port = port
    let second = BinhostServer(
      directory: binhost, metrics: PrometheusRegistry(), settings: settings,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      status: { StatusSnapshot() })
    let refusal = BinhostServer.ServeError.addressInUse(host: "127.0.0.1", port: port)
    await #expect(throws: refusal) { try await second.run() }
    #expect(refusal.description.contains("port \(port)"))
  }
}

@Test(arguments: 0..<8 as Range<UInt64>)
func garbageDoesNotStopTheServer(seed: UInt64) async throws {
  try await serving(BinhostFixture()) { port, _ in
    var state = seed &+ 1
    let bytes = (0..<400).map { _ -> UInt8 in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 33)
    }
    _ = try? await RawClient.send(bytes + Array("\r\n\r\n".utf8), port: port)
    let answer = try await RawClient.send("GET", "/healthz", port: port)
    #expect(answer.status == 200)
  }
}
