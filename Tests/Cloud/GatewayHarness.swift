import Builder
import Cryptography
import FoundationEssentials
import Glibc
import Logging
import Synchronization
import TestSupport
import Trust
import Wire

@testable import Cloud

/// A gateway over real loopback, on memory stores and a clock that the test moves.
final class GatewayHarness: Sendable {
  let index = MemoryBuildIndex()
  let queue = MemoryJobQueue()
  let scratch: String
  let asker = Token.create(name: "asker", role: .request, now: Timestamp(0))
  let other = Token.create(name: "other", role: .request, now: Timestamp(0))
  let worker = Token.create(name: "worker", role: .worker, now: Timestamp(0))
  private let time = Mutex(Timestamp(1_000_000))
  private let bound = Mutex(0)
  private let accepted = Mutex<[FinishedBuild]>([])

  init() throws {
    scratch = "/tmp/larder-cloud-\(SecureRandom.bytes(8).hex)"
    try FileManager.default.createDirectory(
      atPath: scratch, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: scratch)
  }

  var now: Timestamp { time.withLock { $0 } }
  /// What was let through to be signed.
  var signed: [FinishedBuild] { accepted.withLock { $0 } }
  var port: Int { bound.withLock { $0 } }

  func advance(_ duration: Duration) {
    time.withLock { $0 = $0 + duration }
  }

  var settings: GatewaySettings {
    var settings = GatewaySettings(staging: scratch + "/staging")
    settings.port = port
    settings.poll = .milliseconds(20)
    settings.sweep = .milliseconds(20)
    settings.uploadLimit = 1 << 20
    return settings
  }

  func gateway(_ adjust: (inout GatewaySettings) -> Void = { _ in }) throws -> Gateway {
    var settings = settings
    adjust(&settings)
    var table = TokenTable()
    for token in [asker.token, other.token, worker.token] { try table.add(token) }
    let hooks = GatewayHooks(
      tokens: { [table] in table },
      admit: { request in
        request.facts.version == "1.13" ? "this gateway doesn't build version 1.13" : nil
      },
      accept: { path, build in
        let content = try Data(contentsOf: URL(filePath: path))
        guard content.starts(with: Array("good".utf8)) else {
          throw ResultRefused("RDEPEND differs from the plan")
        }
        self.accepted.withLock { $0.append(build) }
        return AcceptedBuild(
          statement: [1, 2, 3], root: BLAKE2b.hash256(content), size: UInt64(content.count),
          expires: Timestamp(.max))
      },
      now: { [weak self] in self?.now ?? Timestamp(0) })
    var log = Logger(label: "test")
    log.logLevel = .critical
    return Gateway(index: index, queue: queue, settings: settings, hooks: hooks, log: log)
  }

  /// Runs a gateway while `body` runs.
  func run<Value: Sendable>(
    _ adjust: (inout GatewaySettings) -> Void = { _ in },
    _ body: @escaping @Sendable (GatewayHarness) async throws -> Value
  ) async throws -> Value {
    let gateway = try gateway(adjust)
    let (ports, continuation) = AsyncStream<Int>.makeStream(bufferingPolicy: .bufferingNewest(1))
    return try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask {
        defer { continuation.finish() }
        try await gateway.run { port in continuation.yield(port) }
        return nil
      }
      group.addTask {
        for await port in ports {
          self.bound.withLock { $0 = port }
          return try await body(self)
        }
        return nil
      }
      defer { group.cancelAll() }
      guard let value = try await group.next() ?? nil else { throw HarnessError.gatewayEnded }
      return value
    }
  }

  enum HarnessError: Error { case gatewayEnded }

  func client(_ text: String, tries: Int = 3) throws -> GatewayClient {
    var settings = GatewayClient.Settings(url: "http://127.0.0.1:\(port)", token: text)
    settings.timeout = .seconds(20)
    settings.tries = tries
    return try GatewayClient(settings)
  }

  /// A file with this content.
  func file(_ text: String, repeated count: Int = 1) throws -> String {
    let path = scratch + "/upload"
    let content = String(repeating: text, count: count)
    try Data(content.utf8).write(to: URL(filePath: path))
    return path
  }
}

/// What a test saw, from several tasks.
actor Seen<Element: Sendable> {
  private(set) var all: [Element] = []

  func add(_ more: some Sequence<Element> & Sendable) {
    all += more
  }
}
