import Cryptography
import Logging
import PeerNetwork
import TestSupport
import Transfer
import Wire

/// A transfer service over a memory store on a loopback port.
struct TransferNode {
  let identity: NodeIdentity
  let store: MemoryBlobStore
  let service: TransferService

  var key: PublicKey { identity.key.publicKey }

  init(
    store: MemoryBlobStore = MemoryBlobStore(), identity: NodeIdentity? = nil,
    streams: DatagramStreams? = nil, change: (inout TransferSettings) -> Void = { _ in }
  ) throws {
    let identity = try identity ?? NodeIdentity(SigningKey.generate())
    var settings = TransferSettings()
    settings.bind = Address(ip: .v4(0x7F00_0001), port: 0)
    settings.network = "test"
    change(&settings)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    self.identity = identity
    self.store = store
    service = try TransferService(
      identity: identity, store: store, settings: settings, streams: streams, logger: logger)
  }

  /// This node as a provider.
  var provider: TransferService.Provider {
    get async {
      let address = await service.boundAddress
      return TransferService.Provider(key: key, addresses: address.map { [$0] } ?? [])
    }
  }
}

/// Starts the nodes, runs `body` beside them and stops them.
@discardableResult
func withNodes<Result: Sendable>(
  _ nodes: [TransferNode], _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  for node in nodes { try await node.service.start() }
  return try await withThrowingTaskGroup(of: Result?.self) { group in
    for node in nodes {
      group.addTask {
        try? await node.service.run()
        return nil
      }
    }
    group.addTask {
      // `run` begins in its own task; a fetch before it is refused.
      for node in nodes {
        while await !node.service.isRunning { await Task.yield() }
      }
      return try await body()
    }
    while let result = try await group.next() {
      if let result {
        group.cancelAll()
        return result
      }
    }
    throw CancellationError()
  }
}

/// Waits until a condition holds, in short steps, for at most ten seconds.
func eventually(_ condition: () async -> Bool) async -> Bool {
  for _ in 0..<2_000 {
    if await condition() { return true }
    try? await Task.sleep(for: .milliseconds(5))
  }
  return false
}
