import Cryptography
import Logging
import Synchronization
import TestSupport
import Testing
import Transfer
import Wire

@testable import PeerNetwork

/// Keeps what a service logs.
private struct KeptLog: LogHandler {
  let lines: Lines
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.debug

  final class Lines: Sendable {
    private let kept = Mutex<[String]>([])
    var all: [String] { kept.withLock { $0 } }
    func add(_ line: String) { kept.withLock { $0.append(line) } }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let facts = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted()
    lines.add(([event.level.rawValue, "\(event.message)"] + facts).joined(separator: " "))
  }
}

@Suite(.serialized, .timeLimit(.minutes(2)))
struct FaultyPeerTests {
  private static let greeting = TransferFrame.hello(.init(network: "test", credit: 512)).framed

  /// Fetches a blob from a scripted provider and an honest node that has it.
  ///
  /// `answer` gets the blocks that are asked for; nil closes the connection.
  private func fetch(
    _ bytes: [UInt8], over way: Way, log: KeptLog.Lines = KeptLog.Lines(),
    answer: @escaping @Sendable (Range<Int>) -> [UInt8]?
  ) async throws -> (report: FetchReport, faulty: PublicKey) {
    // Slow until the faulty one is asked, so that it is.
    let honest = try TransferNode { $0.uploadLimit = 256 << 10 }
    let store = MemoryBlobStore()
    let root = honest.store.add(bytes)
    let layers = try BlobStoreConformance.tree(of: bytes).layers
    let identity = try NodeIdentity(SigningKey.generate())
    var settings = TransferSettings()
    settings.bind = nil
    settings.network = "test"
    settings.fetching.backoff = .milliseconds(10)
    let socket = way == .udp ? try StreamNode() : nil
    let reader = try TransferService(
      identity: NodeIdentity(socket?.transfer.identity.key ?? SigningKey.generate()), store: store,
      settings: settings, streams: socket?.streams,
      logger: Logger(label: "test") { _ in KeptLog(lines: log) })
    try await socket?.dht.start()
    let reported = Mutex<FetchReport?>(nil)
    try await RawPeer.serve(
      as: identity, over: way,
      script: { event in
        switch event {
        case .frame(.hello): return Self.greeting
        case .frame(.want(let stream, _)):
          var have = TransferFrame.Have(stream: stream, size: UInt64(bytes.count))
          have.layer = .init(level: .block, digests: layers.blocks)
          return TransferFrame.have(have).framed
        case .frame(.blockRequest(_, let blocks)):
          honest.service.limit(upload: 8 << 20, download: nil)
          return answer(blocks)
        default: return []
        }
      },
      while: { address in
        try await withNodes([honest]) {
          try await reader.start()
          try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await reader.run() }
            if let socket { group.addTask { try? await socket.dht.run() } }
            while await !reader.isRunning { await Task.yield() }
            let faulty = TransferService.Provider(
              key: identity.key.publicKey, addresses: [address])
            let report = try await reader.fetch(
              root, size: UInt64(bytes.count), from: [faulty, await honest.provider])
            reported.withLock { $0 = report }
            group.cancelAll()
          }
        }
      })
    #expect(store.bytes(of: root) == bytes)
    return (try #require(reported.withLock { $0 }), identity.key.publicKey)
  }

  private static func frames(_ blocks: some Sequence<Int>, of bytes: [UInt8]) -> [UInt8] {
    var frames: [UInt8] = []
    for block in blocks {
      let start = block * Limits.block
      let part = bytes[start..<min(start + Limits.block, bytes.count)]
      frames += TransferFrame.blockData(stream: 1, block: block, length: part.count).framed + part
    }
    return frames
  }

  private let bytes = BlobStoreConformance.content(size: 4 << 20, seed: 31)

  @Test(arguments: Way.allCases) func replayedBlockIsNotTakenTwice(way: Way) async throws {
    let bytes = bytes
    let (report, faulty) = try await fetch(bytes, over: way) { blocks in
      Self.frames([blocks.lowerBound, blocks.lowerBound], of: bytes)
    }
    #expect(report.banned[faulty] == .unasked)
    // None if the ban came while the first was still being checked.
    #expect(report.contributions[faulty, default: 0] <= 1 << 16)
  }

  @Test(arguments: Way.allCases) func peerThatHasLessThanItSaysIsLeftToOthers(way: Way) async throws
  {
    let (report, _) = try await fetch(bytes, over: way) { _ in
      TransferFrame.reject(stream: 1, .badRequest).framed
    }
    #expect(report.banned.isEmpty)
    #expect(report.contributions.count == 1)
  }

  @Test(arguments: Way.allCases) func halfClosedConnectionIsReplaced(way: Way) async throws {
    let bytes = bytes
    let asked = Atomic(0)
    let (report, _) = try await fetch(bytes, over: way) { blocks in
      let isFirst = asked.add(1, ordering: .relaxed).newValue == 1
      return isFirst ? Self.frames(blocks.prefix(2), of: bytes) : nil
    }
    #expect(report.banned.isEmpty)
    #expect(report.contributions.values.reduce(0, +) == UInt64(bytes.count))
  }

  @Test(arguments: Way.allCases) func liarIsNamedInTheLog(way: Way) async throws {
    let log = KeptLog.Lines()
    let (report, faulty) = try await fetch(bytes, over: way, log: log) { blocks in
      let first = blocks.lowerBound
      return TransferFrame.blockData(stream: 1, block: first, length: 65_536).framed
        + [UInt8](repeating: 1, count: 65_536)
    }
    guard case .badBlock? = report.banned[faulty] else {
      Issue.record("\(String(describing: report.banned[faulty]))")
      return
    }
    let line = try #require(log.all.first { $0.hasPrefix("notice peer banned") })
    #expect(line.contains("peer=\(faulty)") && line.contains("sent a wrong block"))
  }

  @Test func sourceThatChangesItsAddressGoesOn() async throws {
    let identity = try NodeIdentity(SigningKey.generate())
    let store = MemoryBlobStore()
    let root = store.add(bytes)
    let before = try TransferNode(store: store, identity: identity) { $0.uploadLimit = 2 << 20 }
    let after = try TransferNode(store: store, identity: identity)
    let reader = try TransferNode { $0.fetching.backoff = .milliseconds(10) }
    try await before.service.start()
    let size = UInt64(bytes.count)
    let report = try await withNodes([after, reader]) {
      let old = await before.provider
      let new = await after.provider
      let provider = TransferService.Provider(
        key: identity.key.publicKey, addresses: old.addresses + new.addresses)
      return try await withThrowingTaskGroup(of: FetchReport?.self) { group in
        let serving = Task { try? await before.service.run() }
        group.addTask { try await reader.service.fetch(root, size: size, from: [provider]) }
        #expect(await eventually { (reader.store.partialBlocks(of: root) ?? 0) >= 10 })
        serving.cancel()
        await serving.value
        return try await group.next() ?? nil
      }
    }
    #expect(report?.contributions == [identity.key.publicKey: size])
    #expect(reader.store.bytes(of: root) == bytes)
  }
}
