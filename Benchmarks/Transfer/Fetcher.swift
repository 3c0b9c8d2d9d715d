import Cryptography
import Glibc
import PeerNetwork
import Storage
import Synchronization
import Transfer
import Wire

/// The fetching side of a run.
struct Fetcher {
  let providers: [TransferService.Provider]
  /// Whether the providers are reached by UDP.
  var usesDatagrams = false

  /// Fetches all blobs, all at once, into a store on disk.
  func fetch(_ blobs: [Blob], into directory: String) async throws {
    let store = try DirectoryBlobStore(directory: directory)
    let key = SigningKey.generate()
    let here = Address(ip: .v4(0), port: 0)
    let datagrams = usesDatagrams ? Datagrams(key: key, at: here, isForeground: true) : nil
    let service = try service(over: store, key: key, streams: datagrams?.streams)
    let clock = ContinuousClock()
    let (time, resumed) = try await TransferBenchmark.running(service, beside: datagrams) {
      let started = clock.now
      let resumed = try await Self.fetch(blobs, by: service, from: providers)
      return (clock.now - started, resumed)
    }
    print("{\"seconds\": \(Self.text(time)), \"resumed\": \(resumed)}")
  }

  /// Returns how many bytes were here before.
  @discardableResult
  private static func fetch(
    _ blobs: [Blob], by service: TransferService, from providers: [TransferService.Provider]
  ) async throws -> UInt64 {
    try await withThrowingTaskGroup(of: UInt64.self) { group in
      for blob in blobs {
        group.addTask {
          try await service.fetch(blob.root, size: blob.size, from: providers).resumed
        }
      }
      var resumed: UInt64 = 0
      for try await bytes in group { resumed += bytes }
      return resumed
    }
  }

  /// The time from the call to the first checked bytes in the store, over a connection that stands
  /// (warm) or that is opened for it (cold).
  func firstBytes(of blobs: [Blob], isWarm: Bool, rounds: Int) async throws {
    let clock = ContinuousClock()
    var times: [Duration] = []
    if isWarm {
      let service = try service(over: FirstByteStore())
      times = try await TransferBenchmark.running(service) {
        var times: [Duration] = []
        for round in 0...rounds {
          let blob = blobs[round % blobs.count]
          let time = try await clock.measure {
            try await Self.fetch([blob], by: service, from: providers)
          }
          if round > 0 { times.append(time) }
        }
        return times
      }
    } else {
      for round in 0..<rounds {
        let service = try service(over: FirstByteStore())
        let blob = blobs[round % blobs.count]
        let time = try await TransferBenchmark.running(service) {
          try await clock.measure {
            try await Self.fetch([blob], by: service, from: providers)
          }
        }
        times.append(time)
      }
    }
    times.sort()
    let p50 = Self.text(times[times.count / 2])
    print("{\"p50\": \(p50), \"worst\": \(Self.text(times[times.count - 1]))}")
  }

  /// That many nodes of one process fetch the same blobs at the same time, into nothing.
  func hold(_ connections: Int, fetching blobs: [Blob]) async throws {
    let clock = ContinuousClock()
    let started = clock.now
    let times = try await withThrowingTaskGroup(of: Duration.self) { group in
      for _ in 0..<connections {
        group.addTask {
          let service = try service(over: FirstByteStore())
          return try await TransferBenchmark.running(service) {
            try await Self.fetch(blobs, by: service, from: providers)
            return clock.now - started
          }
        }
      }
      var times: [Duration] = []
      for try await time in group { times.append(time) }
      return times.sorted()
    }
    // Jain's index of the rates that the nodes got (Jain, Chiu, Hawe 1984).
    var sum = 0.0
    var squares = 0.0
    for time in times {
      let rate = 1 / Self.seconds(time)
      sum += rate
      squares += rate * rate
    }
    let jain = sum * sum / (squares * Double(times.count))
    let last = times.last.map { Self.text($0) } ?? "0"
    print("{\"seconds\": \(last), \"jain\": \(jain)}")
  }

  private func service(
    over store: any BlobStore, key: SigningKey = SigningKey.generate(),
    streams: DatagramStreams? = nil
  ) throws -> TransferService {
    try TransferService(
      identity: NodeIdentity(key), store: store,
      settings: TransferBenchmark.settings(listening: false), streams: streams,
      logger: TransferBenchmark.logger)
  }

  private static func seconds(_ time: Duration) -> Double {
    Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
  }

  private static func text(_ time: Duration) -> String { "\(seconds(time))" }
}

/// A store that keeps nothing: what is measured is the transfer.
private struct FirstByteStore: BlobStore {
  func size(of root: ContentRoot) async throws -> UInt64? { nil }
  func layers(of root: ContentRoot) async throws -> MerkleLayers? { nil }
  func read(_ root: ContentRoot, _ range: Range<UInt64>) async throws -> [UInt8] {
    throw BlobStoreError.notHere(root)
  }
  func beginPartial(_ root: ContentRoot, size: UInt64) async throws -> any PartialBlob {
    guard let layout = BlockLayout(size: size) else { throw BlobStoreError.badSize(size) }
    return FirstBytePartial(root: root, layout: layout)
  }
}

private struct FirstBytePartial: PartialBlob {
  let root: ContentRoot
  let layout: BlockLayout

  var size: UInt64 { layout.size }
  var resumed: PartialContents {
    PartialContents(blocks: BlockSet(capacity: layout.blockCount))
  }

  func keep(_ layers: MerkleLayers) async throws {}
  func write(_ blocks: [VerifiedBlock]) async throws {}
  func commit() async throws {}
  func suspend() async throws {}
  func abandon() async throws {}
}
