public import Cryptography
public import DHT
import FoundationEssentials
public import Logging
public import Wire

/// Tells the local network of this node and hears of others there, by multicast after BEP 14.
///
/// A beacon shows key and ports to everybody on the same network segment and goes no further.
public actor BeaconService {
  /// What a beacon says of this node.
  public struct Settings: Sendable {
    /// The network's name: beacons of other networks don't count.
    public var network = "larder"
    /// Where the node listens; the unspecified address for every interface.
    public var listening: IPAddress
    /// The port for datagrams.
    public var udpPort: UInt16
    /// The port for streams.
    public var tcpPort: UInt16

    /// A node that listens here on these ports.
    public init(listening: IPAddress, udpPort: UInt16, tcpPort: UInt16) {
      self.listening = listening
      self.udpPort = udpPort
      self.tcpPort = tcpPort
    }
  }

  private struct Met: Sendable {
    let contact: Contact
    let isNew: Bool
  }

  private let identity: SigningKey
  private let settings: Settings
  private let neighbours: Neighbours
  private let log: Logger
  private let wallClock: @Sendable () -> UInt64
  private let origin = ContinuousClock.now
  private var ledger: BeaconLedger
  private var random = SystemRandomNumberGenerator()
  private var sockets: [LocalNetwork: BeaconSocket] = [:]
  private var refusedNetworks: Set<LocalNetwork> = []
  private var wake: AsyncStream<Void>.Continuation?

  /// The beacon of the node with this identity; whom it hears is in `neighbours`.
  ///
  /// `wallClock` gives milliseconds since 1970.
  public init(
    identity: SigningKey, settings: Settings, neighbours: Neighbours, logger: Logger,
    wallClock: @escaping @Sendable () -> UInt64 = BeaconService.systemTime
  ) {
    self.identity = identity
    self.settings = settings
    self.neighbours = neighbours
    self.wallClock = wallClock
    log = logger
    ledger = BeaconLedger(key: identity.publicKey, network: settings.network, now: .zero)
  }

  /// Sends and listens until cancelled, then closes its sockets; `met` is called with each node that
  /// is heard and whether it is new there, one after the other. On loopback it does nothing.
  public func run(_ met: @escaping @Sendable (Contact, _ isNew: Bool) async -> Void) async {
    guard !settings.listening.isLoopback else { return }
    let (heard, sink) = AsyncStream.makeStream(
      of: BeaconSocket.Received.self, bufferingPolicy: .bufferingOldest(64))
    let (contacts, contact) = AsyncStream.makeStream(
      of: Met.self, bufferingPolicy: .bufferingOldest(BeaconLedger.capacity))
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for await received in heard { await self.take(received, contact) }
      }
      group.addTask {
        for await one in contacts { await met(one.contact, one.isNew) }
      }
      group.addTask { await self.keepSending(sink) }
      await group.next()
      group.cancelAll()
    }
    for socket in sockets.values { await socket.close() }
    sockets = [:]
  }

  /// The system's clock in milliseconds.
  public static let systemTime: @Sendable () -> UInt64 = {
    UInt64(max(0, Date().timeIntervalSince1970 * 1_000))
  }

  private var now: Instant { .zero + (ContinuousClock.now - origin) }

  private func take(
    _ received: BeaconSocket.Received, _ contacts: AsyncStream<Met>.Continuation
  ) {
    let verdict = ledger.receive(
      received.bytes, from: received.ip, now: now, wall: wallClock(), using: &random)
    guard case .heard(let neighbour, let isNew) = verdict else { return }
    neighbours.replace(with: ledger.neighbours(now: now))
    let address = Address(ip: neighbour.ip, port: neighbour.udpPort)
    if isNew {
      log.info(
        "neighbour heard", metadata: ["node": "\(neighbour.key)", "address": "\(address)"])
      wake?.yield()
    }
    contacts.yield(Met(contact: Contact(key: neighbour.key, address: address), isNew: isNew))
  }

  private func keepSending(_ sink: AsyncStream<BeaconSocket.Received>.Continuation) async {
    var lastLook: Instant?
    while !Task.isCancelled {
      if lastLook.map({ now - $0 >= Self.lookInterval }) ?? true {
        await openSockets(sink)
        neighbours.replace(with: ledger.neighbours(now: now))
        lastLook = now
      }
      if ledger.nextSending <= now {
        send()
        ledger.noteSent(now: now, using: &random)
      }
      let (stream, continuation) = AsyncStream<Void>.makeStream(
        bufferingPolicy: .bufferingNewest(1))
      wake = continuation
      let span = min(ledger.nextSending - now, Self.lookInterval)
      await DHTService.pause(max(span, .milliseconds(1)), or: stream, continuation)
      wake = nil
    }
  }

  /// How often the machine's networks are looked at: one may come or go.
  private static let lookInterval = Duration.seconds(30)

  /// Tells every network; each beacon is later than the one before, so that who shares several networks
  /// with us takes each for news.
  private func send() {
    var time = wallClock()
    let ordered = sockets.values.sorted {
      $0.network.ip.bytes.lexicographicallyPrecedes($1.network.ip.bytes)
    }
    for socket in ordered {
      let beacon = Beacon(
        key: identity.publicKey, udpPort: settings.udpPort, tcpPort: settings.tcpPort,
        time: time, nonce: random.next())
      socket.send(beacon.encoded(network: settings.network, with: identity))
      time += 1
    }
  }

  /// Opens a socket on each network that is new and closes those of networks that are gone.
  private func openSockets(_ sink: AsyncStream<BeaconSocket.Received>.Continuation) async {
    guard let found = try? LocalNetwork.all(listening: settings.listening) else { return }
    for (network, socket) in sockets where !found.contains(network) || !socket.isActive {
      sockets[network] = nil
      await socket.close()
    }
    refusedNetworks.formIntersection(found)
    for network in found where sockets[network] == nil {
      do {
        sockets[network] = try await BeaconSocket(on: network, into: sink)
        ledger.noteNetwork(now: now)
      } catch {
        guard refusedNetworks.insert(network).inserted else { continue }
        log.info(
          "no beacon on this network",
          metadata: ["interface": "\(network.interface)", "error": "\(error)"])
      }
    }
  }
}
