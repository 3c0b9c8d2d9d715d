import Glibc
import NIOCore
import NIOPosix
public import Wire

/// One network of this machine on which beacons are sent and heard.
public struct LocalNetwork: Hashable, Sendable {
  /// The interface's name.
  let interface: String
  /// The interface's number.
  let index: Int
  /// This machine's address there.
  let ip: IPAddress
  /// The bits that all addresses of the network share.
  let prefix: Int

  /// Whether an address lies in this network.
  func contains(_ other: IPAddress) -> Bool {
    switch (ip, other) {
    case (.v4, .v4), (.v6, .v6): ip.network(prefix) == other.network(prefix)
    default: false
    }
  }

  /// The networks that carry multicast, for a node that listens at `bound`: all of its families, or
  /// only that of its address. One entry a network, at most `limit`.
  static func all(listening bound: IPAddress, limit: Int = 16) throws -> [LocalNetwork] {
    var seen: Set<String> = []
    var networks: [LocalNetwork] = []
    for device in try System.enumerateDevices() where device.multicastSupported {
      guard let ip = device.address.flatMap({ Address($0) })?.ip,
        let mask = device.netmask.flatMap({ Address($0) })?.ip, Self.hears(bound, ip)
      else { continue }
      let ones = mask.bytes.reduce(0) { $0 + $1.nonzeroBitCount }
      let network = LocalNetwork(
        interface: device.name, index: device.interfaceIndex, ip: ip, prefix: ones)
      let name = "\(device.name) \(ip.network(ones))"
      if seen.insert(name).inserted { networks.append(network) }
    }
    return Array(networks.prefix(limit))
  }

  /// All addresses of this machine but loopback's; none if the system doesn't tell.
  public static func ownAddresses() -> [IPAddress] {
    let devices = (try? System.enumerateDevices()) ?? []
    return devices.compactMap { $0.address.flatMap { Address($0) }?.ip }.filter { !$0.isLoopback }
  }

  /// Whether who listens at `bound` is reached at `ip`. A link-local IPv6 address means nothing
  /// without its interface, which a contact doesn't carry.
  private static func hears(_ bound: IPAddress, _ ip: IPAddress) -> Bool {
    guard !ip.isLoopback else { return false }
    if case .v6 = ip, ip.isOfSite, ip.bytes[0] == 0xFE { return false }
    guard bound.isUnspecified else { return bound == ip }
    if case .v6 = bound { return true }
    if case .v4 = ip { return true }
    return false
  }
}

/// The multicast socket of one local network.
struct BeaconSocket: Sendable {
  /// A datagram with where it came from.
  struct Received: Sendable {
    let bytes: [UInt8]
    let ip: IPAddress
  }

  /// The port of the groups; several nodes of one machine share it.
  static let port = 7_784
  /// RFC 2365's local scope, and RFC 7346's site-local scope so that hosts use an address which others
  /// can answer; neither is routed, since hop limit and TTL are 1.
  static let group4 = "239.255.76.82"
  static let group6 = "ff15::4c52:4442"

  let network: LocalNetwork
  private let channel: any Channel
  private let group: SocketAddress

  /// Whether the socket is open still.
  var isActive: Bool { channel.isActive }

  /// Opens the socket; what comes in from this network goes to `sink`.
  init(
    on network: LocalNetwork, into sink: AsyncStream<Received>.Continuation
  ) async throws {
    self.network = network
    let isIPv6 = if case .v6 = network.ip { true } else { false }
    group = try SocketAddress(ipAddress: isIPv6 ? Self.group6 : Self.group4, port: Self.port)
    let level = isIPv6 ? CInt(IPPROTO_IPV6) : CInt(IPPROTO_IP)
    // Only what comes in by this interface: else each socket would get every other one's datagrams.
    let onlyOwnGroups = isIPv6 ? CInt(29) : CInt(49)
    var bootstrap = DatagramBootstrap(group: NIOSingletons.posixEventLoopGroup)
      .channelOption(.socketOption(.so_reuseaddr), value: 1)
      .channelOption(Self.option(level, onlyOwnGroups), value: 0)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = BeaconHandler(network: network, sink: sink)
          try channel.pipeline.syncOperations.addHandlers([DatagramWriter(), handler])
        }
      }
    if isIPv6 {
      bootstrap = bootstrap.channelOption(Self.option(level, CInt(IPV6_V6ONLY)), value: 1)
    }
    channel = try await bootstrap.bind(host: isIPv6 ? "::" : "0.0.0.0", port: Self.port).get()
    do {
      try await join(isIPv6: isIPv6)
    } catch {
      try? await channel.close()
      throw error
    }
  }

  /// Sends one datagram to the group; what the network does with it shows nowhere.
  func send(_ bytes: [UInt8]) {
    let envelope = AddressedEnvelope(remoteAddress: group, data: ByteBuffer(bytes: bytes))
    channel.writeAndFlush(envelope, promise: nil)
  }

  /// Lets the socket go.
  func close() async {
    try? await channel.close()
  }

  private func join(isIPv6: Bool) async throws {
    guard let multicast = channel as? any MulticastChannel,
      let options = channel as? any SocketOptionProvider
    else { throw NIOMulticastNotImplementedError() }
    let name = network.interface
    let address = network.ip
    let device = try System.enumerateDevices().first {
      $0.name == name && $0.address.flatMap({ Address($0) })?.ip == address
    }
    try await multicast.joinGroup(group, device: device).get()
    if isIPv6 {
      try await options.setIPv6MulticastIF(CUnsignedInt(network.index)).get()
      try await options.setIPv6MulticastHops(1).get()
    } else {
      // `in_addr` by its bytes: C's structs belong to whichever module a file loads first.
      let interface = address.bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
      try await options.unsafeSetSocketOption(
        level: .ip, name: .ip_multicast_if, value: interface
      ).get()
      try await options.setIPMulticastTTL(1).get()
    }
  }

  private static func option(_ level: CInt, _ name: CInt) -> ChannelOptions.Types.SocketOption {
    ChannelOptions.Types.SocketOption(
      level: .init(rawValue: level), name: .init(rawValue: name))
  }
}

/// Passes on what has a beacon's length and came from the socket's own network.
private final class BeaconHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let network: LocalNetwork
  private let sink: AsyncStream<BeaconSocket.Received>.Continuation

  init(network: LocalNetwork, sink: AsyncStream<BeaconSocket.Received>.Continuation) {
    self.network = network
    self.sink = sink
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    guard envelope.data.readableBytes == Beacon.length,
      let ip = Address(envelope.remoteAddress)?.ip, network.contains(ip)
    else { return }
    sink.yield(.init(bytes: Array(envelope.data.readableBytesView), ip: ip))
  }

  /// An interface may go down and come back.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
