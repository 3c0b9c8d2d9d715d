import NIOCore
import NIOPosix

/// A command's side of the control socket.
public struct ControlClient: Sendable {
  /// Why there is no answer.
  public enum ClientError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Nobody listens there; `isLeft` if the socket of a daemon that is gone still lies there.
    case noDaemon(path: String, isLeft: Bool = false)
    /// The socket is there, but not for this user.
    case notAllowed(path: String)
    /// The daemon said that the request failed.
    case failed(String)
    /// The connection ended before the last event.
    case interrupted

    /// What happened and what to do.
    public var description: String {
      switch self {
      case .noDaemon(let path, let isLeft):
        "no daemon answers: "
          + (isLeft
            ? "the one that made \(path) was killed"
            : "there is no \(path), so it is not running, or has another --root")
          + "; start it with 'rc-service larder start', 'systemctl start larder' or 'larder daemon'"
      case .notAllowed(let path):
        "\(path) may be used by root and its group only; use sudo, or join that group"
      case .failed(let message): message
      case .interrupted: "the daemon stopped before it had answered; see its log"
      }
    }
  }

  private let path: String

  /// A client of the daemon that listens at this socket.
  public init(path: String) {
    self.path = path
  }

  /// Sends a request and hands every event but the last to `each`.
  ///
  /// Cancellation closes the connection, upon which the daemon stops the work too; what was fetched
  /// until then stays.
  public func send(
    _ request: ControlRequest, each: @Sendable (ControlEvent) throws -> Void
  ) async throws {
    let connection = try await connect()
    try await connection.executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(bytes: ControlCodec.encode(request)))
      for try await line in inbound {
        switch try ControlCodec.decode(ControlEvent.self, from: Array(line.readableBytesView)) {
        case .finished: return
        case .failed(let message): throw ClientError.failed(message)
        case let event: try each(event)
        }
      }
      try Task.checkCancellation()
      throw ClientError.interrupted
    }
  }

  private func connect() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
    do {
      return try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .connectTimeout(.seconds(5))
        .connect(unixDomainSocketPath: path) { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
              ByteToMessageHandler(LineDecoder(limit: ControlCodec.limit)))
            return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
          }
        }
    } catch let error as IOError where error.errnoCode == 13 {
      throw ClientError.notAllowed(path: path)
    } catch let error as IOError where error.errnoCode == 111 {
      throw ClientError.noDaemon(path: path, isLeft: true)
    } catch {
      throw ClientError.noDaemon(path: path)
    }
  }
}
