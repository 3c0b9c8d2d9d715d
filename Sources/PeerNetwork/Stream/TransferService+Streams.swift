import Cryptography
import Logging
import NIOCore
import Synchronization
import Transfer
import Wire

extension TransferService {
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

  /// Puts the transfer's frames above a UDP stream and lets it begin.
  nonisolated func framed(_ channel: DatagramStreamChannel) async throws -> PeerStream {
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
          address: channel.address.detour == nil ? channel.address : nil,
          isOutgoing: channel.isOutgoing, mark: channel.mark)
        channel.activate()
        return stream
      } catch {
        channel.close(promise: nil)
        throw error
      }
    }.get()
  }
}
