public import Logging
import NIOCore
import NIOPosix
import Synchronization
import Wire

/// Keeps a router's ports mapped to this node: NAT-PMP first, then UPnP.
///
/// Both libraries block, so they run on a thread of their own.
public actor PortMappingService {
  /// How long a router is asked to keep a mapping; it is renewed after half of what was granted.
  static let lifetime = Duration.seconds(1_200)
  /// How long one request may take: libraries bound each read, and a router could make them many.
  static let patience = Duration.seconds(15)

  private let port: UInt16
  private let clients: [any PortMappingClient]
  private let log: Logger
  private let patience: Duration
  private var lease = PortMappingLease()

  /// What the router passes on to this node now; nil if nothing.
  public var mapping: PortMapping? { lease.mapping }

  /// Why nothing is mapped, after a first try; nil while something is.
  public private(set) var problem: PortMappingError?

  /// The mapping of this port, for datagrams and streams alike.
  public init(port: UInt16, logger: Logger) {
    self.init(port: port, clients: [NATPMPClient(), UPnPClient()], logger: logger)
  }

  init(
    port: UInt16, clients: [any PortMappingClient],
    patience: Duration = PortMappingService.patience,
    logger: Logger
  ) {
    self.port = port
    self.patience = patience
    self.clients = clients
    log = logger
  }

  /// Maps and renews until cancelled, then removes the mapping; `changed` is called with each mapping
  /// that is another than before, and with nil when there is none any more.
  ///
  /// The end may take some seconds: a request that runs is waited for, but not longer than `patience`.
  public func run(_ changed: @escaping @Sendable (PortMapping?) async -> Void) async {
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    while !Task.isCancelled {
      let before = mapping
      await renew(on: pool)
      if mapping?.address != before?.address { await changed(mapping) }
      try? await Task.sleep(for: lease.pause(now: .uptime))
    }
    if let mapping, let client = client(for: mapping.means) {
      let port = port
      _ = await Self.blocking(on: pool, patience: patience) { client.close(mapping, port: port) }
      lease.end()
    }
    // Nobody waits: a router whose answer never ends holds the thread, and must not hold the daemon.
    pool.shutdownGracefully { _ in }
  }

  /// Asks by the means that worked last, then by the others.
  private func renew(on pool: NIOThreadPool) async {
    let (port, previous) = (port, mapping)
    let order =
      clients.filter { $0.means == previous?.means }
      + clients.filter { $0.means != previous?.means }
    var problems: [PortMappingError] = []
    for client in order where !Task.isCancelled {
      let known = client.means == previous?.means ? previous : nil
      let result = await Self.blocking(on: pool, patience: patience) {
        () -> Result<PortMapping, PortMappingError> in
        do throws(PortMappingError) {
          return .success(
            try client.open(port: port, previous: known, lifetime: Self.lifetime))
        } catch {
          return .failure(error)
        }
      }
      switch result {
      case .success(let mapping):
        take(mapping)
        return
      case .failure(let error): problems.append(error)
      case nil:
        // The thread is not free again, perhaps never: nobody else is asked until it is.
        problems.append(.endless)
        return note(problems)
      }
    }
    note(problems)
  }

  private func take(_ mapping: PortMapping) {
    problem = nil
    guard lease.grant(mapping, now: .uptime) else { return }
    log.notice(
      "port mapped",
      metadata: ["address": "\(mapping.address)", "means": "\(mapping.means.rawValue)"])
  }

  private func note(_ problems: [PortMappingError]) {
    guard !problems.isEmpty else { return }
    lease.fail(now: .uptime)
    // A refusal says more than a silence.
    let worst = problems.first { $0 != .noRouter } ?? .noRouter
    if problem != worst { log.info("no port mapped", metadata: ["reason": "\(worst)"]) }
    problem = worst
  }

  private func client(for means: PortMapping.Means) -> (any PortMappingClient)? {
    clients.first { $0.means == means }
  }

  /// Runs what blocks on the pool's thread, cancelled or not; nil if that takes longer than
  /// `patience`, when the result, if there will be one, is lost.
  private static func blocking<R: Sendable>(
    on pool: NIOThreadPool, patience: Duration, _ body: @escaping @Sendable () -> R
  ) async -> R? {
    await withCheckedContinuation { continuation in
      let waiting = Waiting(continuation)
      pool.submit { state in
        guard case .active = state else { return waiting.end(nil) }
        waiting.end(body())
      }
      NIOSingletons.posixEventLoopGroup.next().scheduleTask(in: TimeAmount(patience)) {
        waiting.end(nil)
      }
    }
  }
}

/// Who waits for a result or for the end of patience, whichever comes first.
private final class Waiting<R: Sendable>: Sendable {
  private let continuation: Mutex<CheckedContinuation<R?, Never>?>

  init(_ continuation: CheckedContinuation<R?, Never>) {
    self.continuation = Mutex(continuation)
  }

  func end(_ result: R?) {
    let first = continuation.withLock { waiting in
      defer { waiting = nil }
      return waiting
    }
    first?.resume(returning: result)
  }
}
