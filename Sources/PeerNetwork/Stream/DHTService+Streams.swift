import Cryptography
import NIOCore
import NIOPosix
import Transfer
import Wire

extension DHTService {
  /// What one read takes where the kernel joins datagrams, and where it does not.
  private static let joinedSize = 65_535
  private static let singleSize = 2_048

  /// The bootstrap of the UDP socket, with room for joined datagrams if streams come over it.
  nonisolated func datagramBootstrap(for ip: IPAddress) -> DatagramBootstrap {
    var bootstrap = DatagramBootstrap(group: NIOSingletons.posixEventLoopGroup)
    if case .v6 = ip, ip.isUnspecified {
      bootstrap = bootstrap.channelOption(.takesBothFamilies, value: 0)
    }
    guard streams != nil, System.supportsUDPReceiveOffload else {
      return bootstrap.channelOption(
        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.singleSize))
    }
    return
      bootstrap
      .channelOption(
        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.joinedSize)
      )
      .channelOption(.maxMessagesPerRead, value: 16)
      .channelOption(.datagramReceiveOffload, value: true)
      .channelOption(.datagramReceiveSegmentSize, value: true)
      // A burst of a fast stream must fit while the loop is busy.
      .channelOption(.socketOption(.so_rcvbuf), value: 4 << 20)
  }

  /// Takes in a sealed message of a stream's opening; returns whether it was one.
  ///
  /// Who has not shown a cookie gets one, in an answer shorter than the question, and nothing else.
  func takeOpening(_ opened: DatagramSessions.Opened, from address: Address) -> Bool {
    guard opened.message.first == StreamOpening.mark else { return false }
    if let relayed = try? RelayMessage.decode(opened.message) {
      take(relayed, opened, from: address)
      return true
    }
    guard let streams, let opening = try? StreamOpening.decode(opened.message) else { return true }
    if case .open(let session, _, _, _) = opening, !opened.isProven {
      let cookie = sessions.cookie(for: opened.sender, at: address, now: now)
      sendSealed(
        StreamOpening.retry(opener: session, cookie: cookie).encoded, to: opened.sender, at: address
      )
      return true
    }
    if case .retry(let token, let cookie) = opening {
      sessions.keep(cookie, from: opened.sender, at: address, now: now)
      showCookie(token, to: RelayDesk.Party(key: opened.sender, address: address))
    }
    streams.receive(opening, from: opened.sender, at: address)
    return true
  }

  /// Sends what the streams want sealed, until cancelled.
  func carryOpenings() async {
    guard let streams else {
      // Nothing to do for as long as the service runs.
      try? await Task.sleep(for: .seconds(1 << 30))
      return
    }
    for await message in streams.messages {
      sendSealed(message.bytes, to: message.key, at: message.address)
    }
  }
}
