import Glibc
import Logging
import NIOCore
import NIOPosix

/// Answers the commands of this machine over a Unix socket, open to root and one group.
struct ControlServer: Sendable {
  /// Sends one event to the command; throws once the command is gone.
  typealias Emit = @Sendable (ControlEvent) async throws -> Void

  /// Why the socket can't be served.
  enum StartError: Error, CustomStringConvertible {
    case bind(path: String, reason: String)

    var description: String {
      switch self {
      case .bind(let path, let reason):
        "\(path): can't listen for commands (\(reason)); is /run writable, and no other daemon there?"
      }
    }
  }

  let path: String
  let group: String
  let logger: Logger
  let answer: @Sendable (ControlRequest, @escaping Emit) async throws -> Void

  /// Serves until cancelled; each command's work is cancelled when its connection closes.
  func run() async throws {
    unlink(path)
    let server: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>
    do {
      server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .bind(unixDomainSocketPath: path) { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
              ByteToMessageHandler(LineDecoder(limit: 1 << 20)))
            return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
          }
        }
    } catch {
      throw StartError.bind(path: path, reason: "\(error)")
    }
    restrict()
    try await withTaskCancellationHandler {
      try await server.executeThenClose { connections in
        try await withThrowingDiscardingTaskGroup { tasks in
          for try await connection in connections {
            tasks.addTask { await serve(connection) }
          }
        }
      }
    } onCancel: {
      server.channel.close(promise: nil)
    }
    unlink(path)
  }

  /// Mode 0660 and the configured group; a machine without that group leaves it to root alone.
  private func restrict() {
    if let entry = getgrnam(group) {
      if chown(path, uid_t.max, entry.pointee.gr_gid) == 0 {
        chmod(path, 0o660)
        return
      }
    }
    chmod(path, 0o600)
  }

  private func serve(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
    do {
      try await connection.executeThenClose { inbound, outbound in
        let emit: Emit = { event in
          try await outbound.write(ByteBuffer(bytes: ControlCodec.encode(event)))
        }
        var lines = inbound.makeAsyncIterator()
        guard let line = try await lines.next() else { return }
        guard
          let request = try? ControlCodec.decode(
            ControlRequest.self, from: Array(line.readableBytesView))
        else {
          return try await emit(
            .failed("the daemon does not know this request: are both of one version?"))
        }
        await withTaskGroup(of: Void.self) { tasks in
          tasks.addTask { await carryOut(request, emit) }
          // The command sends one line only: what follows is the end of its connection.
          while (try? await lines.next()) != nil {}
          tasks.cancelAll()
        }
      }
    } catch {
      logger.debug("control connection ended", metadata: ["reason": "\(error)"])
    }
  }

  private func carryOut(_ request: ControlRequest, _ emit: @escaping Emit) async {
    do {
      try await answer(request, emit)
      try await emit(.finished)
    } catch is CancellationError {
      logger.debug("command left before its answer")
    } catch {
      try? await emit(.failed("\(error)"))
    }
  }
}
