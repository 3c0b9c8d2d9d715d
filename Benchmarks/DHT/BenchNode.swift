import Cryptography
import DHT
import Glibc
import Logging
import PeerNetwork
import Wire

/// One node of the network under measurement, at an address of its own.
struct BenchNode: Sendable {
  let number: Int
  let service: DHTService
  private let end: AsyncStream<Void>
  private let ending: AsyncStream<Void>.Continuation

  static let port: UInt16 = 7_782

  init(number: Int, using random: inout SplitMix64) throws {
    self.number = number
    var settings = DHTSettings()
    settings.bind = Address(ip: Self.address(number), port: Self.port)
    settings.network = "bench"
    // What is measured must hold without seeders.
    settings.kademlia.lookup = .peersOnly
    guard let identity = SigningKey(seed: Bytes32.random(using: &random).bytes) else {
      throw BenchError.noKey
    }
    service = DHTService(
      identity: identity, settings: settings, validator: BenchStatement.Validator(),
      logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
    (end, ending) = AsyncStream.makeStream(of: Void.self)
  }

  /// One /24 for each node, all of them local to the benchmark's network namespace.
  static func address(_ number: Int) -> IPAddress {
    .v4(10 << 24 | UInt32(10 + number / 250) << 16 | UInt32(1 + number % 250) << 8 | 1)
  }

  /// The peer that this node is for others.
  var peer: BootstrapPeer {
    BootstrapPeer(key: service.key, host: "\(Self.address(number))", port: Self.port)
  }

  /// Serves until `fallSilent` is called or the caller is cancelled.
  func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [service] in try? await service.run() }
      group.addTask { [end] in for await _ in end {} }
      await group.next()
      group.cancelAll()
    }
  }

  /// Ends the node, as a crash would: it tells nobody.
  func fallSilent() {
    ending.finish()
  }

  /// Holds a silent node's port, so that what is sent there vanishes without an ICMP message.
  static func hold(_ number: Int) {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0, case .v4(let ip) = address(number) else { return }
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_port = port.bigEndian
    place.sin_addr.s_addr = ip.bigEndian
    _ = withUnsafePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}

/// Why the benchmark can't run.
enum BenchError: Error {
  /// A seed gave no key.
  case noKey
  /// A value can't be made of the size that was asked for.
  case badSize
}
