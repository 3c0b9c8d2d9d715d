import CoreMetrics
import Cryptography
import Logging
import NIOCore
import Synchronization
import Transfer
import Wire

extension TransferService {
  /// Serves every connection that comes in.
  nonisolated func accept(from listener: TransferSockets.Listener) async throws {
    try await listener.executeThenClose { inbound in
      try await withThrowingDiscardingTaskGroup { group in
        for try await stream in inbound {
          group.addTask { _ = await self.converse(over: stream) }
        }
      }
    }
  }

  /// Gives the slots in turns.
  nonisolated func takeTurns() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(1))
      pool.turn()
    }
  }

  /// Greets the other side and, if it is one of us, exchanges frames until the end.
  ///
  /// `began` is when this node began to look for a way to the peer. Returns whether the peer greeted us
  /// and was taken in, or was refused or refused us.
  nonisolated func converse(
    over stream: PeerStream, since began: Instant? = nil
  ) async -> Approach.Ending {
    var connection: PeerConnection?
    var isRefused = false
    do {
      try await stream.channel.executeThenClose { inbound, outbound in
        try await outbound.write(.frame(.hello(greeting)))
        await withTaskGroup(of: Void.self) { group in
          do {
            for try await event in inbound {
              if let connection {
                guard await connection.take(event) else { break }
                continue
              }
              // Whoever greets or takes leave is the node, whatever else leads to it, and it may be gone
              // before our own leave is written.
              isRefused = event.isGreetingOrGoodbye
              guard let admitted = try await admit(event, stream, outbound) else { break }
              connection = admitted.connection
              if let began { note(admitted.connection, took: context.clock.now - began) }
              group.addTask {
                await admitted.connection.write(to: outbound)
                try? await stream.channel.channel.close()
              }
              for driver in admitted.waiting { await driver.joined(admitted.connection) }
            }
          } catch {
            note(error, on: stream)
          }
          group.cancelAll()
        }
      }
    } catch {
      note(error, on: stream)
    }
    guard let connection else {
      context.metrics.failedHandshakes.increment()
      return isRefused ? .refused : .failed
    }
    pool.remove(connection)
    for driver in connection.closed() { await driver.lost(connection) }
    return .carried
  }

  /// Judges the first frame: the connection that it makes and the fetches that waited for it.
  private nonisolated func admit(
    _ event: InboundEvent, _ stream: PeerStream,
    _ outbound: NIOAsyncChannelOutboundWriter<OutboundFrame>
  ) async throws -> (connection: PeerConnection, waiting: [FetchDriver])? {
    guard case .frame(.hello(let hello)) = event, let key = stream.pin.key else { return nil }
    guard hello.version == TransferFrame.version, hello.network == context.settings.network else {
      try await outbound.write(.frame(.goodbye(.foreign)))
      return nil
    }
    let connection = PeerConnection(key: key, stream: stream, context: context, pool: pool)
    connection.state.withLock { $0.credit = hello.credit }
    let (refusal, waiting) = pool.admit(connection)
    if let refusal {
      context.metrics.refused.increment()
      try await outbound.write(.frame(.goodbye(refusal)))
      return nil
    }
    return (connection, waiting)
  }

  private nonisolated func note(_ connection: PeerConnection, took time: Duration) {
    let way = connection.mark.way
    context.metrics.reached(by: way)
    log.info(
      "peer reached",
      metadata: [
        "peer": "\(connection.key)", "way": "\(way.name)",
        "address": "\(connection.address.map { "\($0)" } ?? "unknown")",
        "milliseconds": "\(Int(time.inSeconds * 1_000))",
      ])
  }

  private nonisolated func note(_ error: any Error, on stream: PeerStream) {
    guard !(error is CancellationError) else { return }
    context.metrics.violations.increment()
    log.debug(
      "connection broken",
      metadata: [
        "address": "\(stream.address.map { "\($0)" } ?? "unknown")",
        "peer": "\(stream.pin.key.map { "\($0)" } ?? "unknown")", "error": "\(error)",
      ])
  }

  private nonisolated var greeting: TransferFrame.Hello {
    TransferFrame.Hello(
      network: context.settings.network, credit: context.settings.serving.credit)
  }
}
