import Cryptography
import Glibc
import PeerNetwork
import Storage
import Transfer
import Wire

/// The serving side of a run.
struct Seeder {
  let directory: String
  let list: String

  /// With `udp` the blobs come over UDP alone, from `at`.
  func run(_ options: [String: UInt64], at address: Address?) async throws {
    let store = try DirectoryBlobStore(directory: directory)
    var lines: [String] = []
    for path in try Text.lines(of: list) {
      let blob = try await store.importFile(path, by: .link)
      lines.append("\(blob.root) \(blob.size)")
    }
    try Text.write(lines, to: list + ".blobs")
    var settings = TransferBenchmark.settings(listening: true)
    settings.uploadLimit = options["rate"]
    settings.connections = Int(options["connections"] ?? 256)
    let key = SigningKey.generate()
    let datagrams = address.map {
      Datagrams(key: key, at: $0, isForeground: options["foreground"] == 1)
    }
    if address != nil { settings.bind = nil }
    let service = try TransferService(
      identity: NodeIdentity(key), store: store, settings: settings, streams: datagrams?.streams,
      logger: TransferBenchmark.logger)
    try await TransferBenchmark.running(service, beside: datagrams) {
      if let bound = await datagrams?.service.boundAddress {
        print("{\"provider\": \"udp:\(service.key)@\(bound)\"}")
      } else {
        let port = await service.boundAddress?.port ?? 0
        print("{\"provider\": \"\(service.key)@127.0.0.1:\(port)\"}")
      }
      fflush(nil)
      // The script closes our standard input when it has measured us.
      await withCheckedContinuation { (ended: CheckedContinuation<Void, Never>) in
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Ending(ended))
        pthread_create(
          &thread, nil,
          { raw in
            while getchar() != EOF {}
            if let raw { Unmanaged<Ending>.fromOpaque(raw).takeRetainedValue().resume() }
            return nil
          }, box.toOpaque())
      }
    }
  }
}

/// Carries a continuation to another thread.
private final class Ending: Sendable {
  private let continuation: CheckedContinuation<Void, Never>

  init(_ continuation: CheckedContinuation<Void, Never>) {
    self.continuation = continuation
  }

  func resume() { continuation.resume() }
}
