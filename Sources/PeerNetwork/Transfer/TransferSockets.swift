import CoreMetrics
import Cryptography
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Transfer
import Wire

/// One TLS stream with a peer, before its first frame.
struct PeerStream: Sendable {
  typealias FrameChannel = NIOAsyncChannel<InboundEvent, OutboundFrame>

  let channel: FrameChannel
  let pin: PeerKeyPin
  let window: SendWindow
  let address: Address?
  let isOutgoing: Bool
  let mark: WayMark
}

/// Opens and accepts the TLS streams.
struct TransferSockets: Sendable {
  typealias Listener = NIOAsyncChannel<PeerStream, Never>

  let settings: TransferSettings
  let metrics: TransferMetrics
  private let server: NIOSSLContext
  private let client: NIOSSLContext
  private let admission: Admission

  init(identity: NodeIdentity, settings: TransferSettings, metrics: TransferMetrics) throws {
    self.settings = settings
    self.metrics = metrics
    server = try identity.serverContext()
    client = try identity.clientContext()
    admission = Admission(settings: settings)
  }

  /// Binds the listening socket.
  func listen(on address: Address) async throws -> Listener {
    var bootstrap = ServerBootstrap(group: NIOSingletons.posixEventLoopGroup)
    if case .v6 = address.ip, address.ip.isUnspecified {
      // Whatever the system's default: `::` takes IPv4 too.
      bootstrap = bootstrap.serverChannelOption(.takesBothFamilies, value: 0)
    }
    return
      try await bootstrap
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptErrorHandler())
        }
      }
      .childChannelOption(
        // Who connects mostly asks: short frames, for which a small buffer does.
        .recvAllocator,
        value: AdaptiveRecvByteBufferAllocator(
          minimum: 4 << 10, initial: 16 << 10, maximum: Self.receiveSize)
      )
      .childChannelOption(.writeBufferWaterMark, value: Self.waterMark)
      .bind(host: "\(address.ip)", port: Int(address.port)) { channel in
        channel.eventLoop.makeCompletedFuture { try accepted(channel) }
          .flatMapErrorThrowing { error in
            // Nobody else closes a connection that is turned away here.
            channel.close(promise: nil)
            throw error
          }
      }
  }

  /// Connects to one address of a node and begins TLS with its key pinned.
  func connect(to address: Address, key: Cryptography.PublicKey) async throws -> PeerStream {
    let time = TimeAmount(settings.connectTime)
    return try await ClientBootstrap(group: NIOSingletons.posixEventLoopGroup)
      .connectTimeout(time)
      .channelOption(
        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.receiveSize)
      )
      .channelOption(.writeBufferWaterMark, value: Self.waterMark)
      .connect(host: "\(address.ip)", port: Int(address.port)) { channel in
        channel.eventLoop.makeCompletedFuture {
          let pin = PeerKeyPin(expecting: key)
          let handler = try NIOSSLClientHandler(
            context: client, serverHostname: nil, customVerificationCallback: pin.verify,
            configuration: Self.sealing)
          return try framed(channel, handler, pin, address: address, isOutgoing: true)
        }
      }
  }

  /// One read takes this many bytes: few wake-ups, and what is decrypted still lies in the cache.
  private static let receiveSize = 256 << 10
  /// What the socket does not take at once is written again before the next run is.
  private static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(
    low: 64 << 10, high: 128 << 10)
  /// Buffers of more than the longest run are not kept for the next one.
  private static var sealing: NIOSSLHandler.Configuration {
    var sealing = NIOSSLHandler.Configuration()
    sealing.maximumPreservedOutboundBufferCapacity = 256 << 10
    return sealing
  }

  private func accepted(_ channel: any Channel) throws -> PeerStream {
    let address = channel.remoteAddress.flatMap { Address($0) }
    guard admission.enter(address?.ip) else {
      metrics.refused.increment()
      throw ChannelError.inappropriateOperationForState
    }
    channel.closeFuture.whenComplete { [admission] _ in admission.leave(address?.ip) }
    let pin = PeerKeyPin()
    let handler = NIOSSLServerHandler(
      context: server, customVerificationCallback: pin.verify, configuration: Self.sealing)
    return try framed(channel, handler, pin, address: address, isOutgoing: false)
  }

  private func framed(
    _ channel: any Channel, _ tls: some ChannelHandler, _ pin: PeerKeyPin, address: Address?,
    isOutgoing: Bool
  ) throws -> PeerStream {
    if settings.isLowEffort { Self.markLowEffort(channel) }
    try channel.pipeline.syncOperations.addHandler(tls)
    let window = SendWindow()
    try channel.pipeline.syncOperations.addHandler(
      TransferFrameHandler(settings: settings, window: window))
    // One run is checked and written while the next comes in: a kill loses no more than a piece.
    let frames = try PeerStream.FrameChannel(
      wrappingChannelSynchronously: channel,
      configuration: .init(backPressureStrategy: .init(lowWatermark: 1, highWatermark: 1)))
    return PeerStream(
      channel: frames, pin: pin, window: window, address: address, isOutgoing: isOutgoing,
      mark: WayMark(.tcp))
  }

  /// Marks the packets with the code point LE; a system that refuses it sends them unmarked.
  private static func markLowEffort(_ channel: any Channel) {
    guard let socket = channel as? any SocketOptionProvider else { return }
    let lowEffort: CInt = 1 << 2
    // A socket for both families wants both.
    if channel.remoteAddress?.protocol == .inet6 {
      let class6 = NIOBSDSocket.Option(rawValue: IPV6_TCLASS)
      socket.unsafeSetSocketOption(level: .ipv6, name: class6, value: lowEffort).whenFailure { _ in
      }
    }
    let service4 = NIOBSDSocket.Option(rawValue: IP_TOS)
    socket.unsafeSetSocketOption(level: .ip, name: service4, value: lowEffort).whenFailure { _ in }
  }

}

/// Counts the accepted connections, so that the caps hold before any TLS.
private final class Admission: Sendable {
  private struct Counts {
    var total = 0
    var perAddress: [IPAddress: Int] = [:]
  }

  private let counts = Mutex(Counts())
  private let settings: TransferSettings

  init(settings: TransferSettings) {
    self.settings = settings
  }

  func enter(_ ip: IPAddress?) -> Bool {
    counts.withLock { counts in
      guard counts.total < settings.connections else { return false }
      if let ip, !ip.isLoopback {
        let count = counts.perAddress[ip, default: 0]
        guard count < settings.connectionsPerAddress else { return false }
        counts.perAddress[ip] = count + 1
      }
      counts.total += 1
      return true
    }
  }

  func leave(_ ip: IPAddress?) {
    counts.withLock { counts in
      counts.total -= 1
      guard let ip, let count = counts.perAddress[ip] else { return }
      counts.perAddress[ip] = count > 1 ? count - 1 : nil
    }
  }
}
