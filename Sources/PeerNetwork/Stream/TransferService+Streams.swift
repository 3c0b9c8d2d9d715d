import Cryptography
import Logging
import NIOCore
import Synchronization
import Transfer
import Wire

extension TransferService {
  /// How long TCP may take before UDP is tried beside it (after RFC 8305).
  private static let headStart = Duration.milliseconds(300)

  /// Serves every UDP stream that peers open.
  nonisolated func acceptStreams() async {
    guard let streams else { return }
    await withDiscardingTaskGroup { group in
      for await channel in streams.incoming {
        group.addTask {
          guard let stream = try? await self.framed(channel) else { return }
          _ = await self.converse(over: stream)
        }
      }
    }
  }

  /// Opens UDP streams to a provider's addresses in turn until one carries a conversation.
  private nonisolated func openStream(to provider: Provider) async -> Bool {
    guard let streams else { return false }
    for address in provider.addresses.prefix(Limits.addressesPerProvider) {
      guard !Task.isCancelled else { break }
      do {
        let channel = try await streams.connect(to: provider.key, at: address)
        if await converse(over: try await framed(channel)) { return true }
      } catch {
        log.debug(
          "peer not reached by udp",
          metadata: ["peer": "\(provider.key)", "address": "\(address)", "error": "\(error)"])
      }
    }
    return false
  }

  /// Opens a UDP stream when TCP has failed or has had its head start.
  nonisolated func openStream(to provider: Provider, after tcp: TCPAttempt) async -> Bool {
    guard streams != nil else { return false }
    await tcp.wait(atMost: Self.headStart)
    guard !tcp.hasCarried, !pool.isConnected(to: provider.key), !Task.isCancelled else {
      return false
    }
    return await openStream(to: provider)
  }

  /// Puts the transfer's frames above a UDP stream and lets it begin.
  private nonisolated func framed(_ channel: DatagramStreamChannel) async throws -> PeerStream {
    let settings = context.settings
    return try await channel.eventLoop.submit {
      do {
        let window = SendWindow()
        try channel.pipeline.syncOperations.addHandler(
          TransferFrameHandler(settings: settings, window: window))
        let frames = try PeerStream.FrameChannel(
          wrappingChannelSynchronously: channel,
          configuration: .init(backPressureStrategy: .init(lowWatermark: 1, highWatermark: 1)))
        let stream = PeerStream(
          channel: frames, pin: PeerKeyPin(proven: channel.peer), window: window,
          address: channel.address, isOutgoing: channel.isOutgoing)
        channel.activate()
        return stream
      } catch {
        channel.close(promise: nil)
        throw error
      }
    }.get()
  }
}

/// How TCP fares with a peer, for UDP that waits.
final class TCPAttempt: Sendable {
  private let hasEnded: AsyncStream<Void>
  private let ending: AsyncStream<Void>.Continuation
  private let didCarry = Atomic<Bool>(false)

  init() {
    (hasEnded, ending) = AsyncStream.makeStream()
  }

  /// Whether it carried a conversation, from the greeting to the end.
  var hasCarried: Bool { didCarry.load(ordering: .relaxed) }

  /// It did.
  func carried() {
    didCarry.store(true, ordering: .relaxed)
  }

  /// No further address is tried.
  func end() {
    ending.finish()
  }

  /// Waits for the end, but not longer than a time.
  func wait(atMost time: Duration) async {
    await DHTService.pause(time, or: hasEnded, ending)
  }
}
