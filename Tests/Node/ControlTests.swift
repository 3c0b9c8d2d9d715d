import FoundationEssentials
import Glibc
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import Node

@Suite("The control socket")
struct ControlTests {
  @Test(arguments: [
    ControlRequest.status, .pin(packages: ["a-b/c-1"], isPinned: true),
    .resolve(arguments: ["-u", "@world"], until: .build),
    .publish(files: ["/a b"]), .request(arguments: ["é"], wait: false), .inbox, .refresh, .collect,
  ])
  func requestSurvivesItsLine(request: ControlRequest) throws {
    let line = try ControlCodec.encode(request)
    #expect(line.last == 10)
    #expect(!line.dropLast().contains(10))
    #expect(try ControlCodec.decode(ControlRequest.self, from: line.dropLast()) == request)
  }

  @Test func decoderCutsLinesWhereverTheStreamIsCut() throws {
    let stream = Array("one\n\ntwo three\n".utf8)
    for cut in 0...stream.count {
      let channel = EmbeddedChannel(handler: ByteToMessageHandler(LineDecoder(limit: 100)))
      try channel.writeInbound(ByteBuffer(bytes: stream[..<cut]))
      try channel.writeInbound(ByteBuffer(bytes: stream[cut...]))
      var lines: [String] = []
      while let line = try channel.readInbound(as: ByteBuffer.self) {
        lines.append(String(decoding: line.readableBytesView, as: UTF8.self))
      }
      #expect(lines == ["one", "", "two three"])
    }
  }

  @Test func missingDaemonIsToldFromOneThatWasKilled() async throws {
    try await Scratch.run { scratch in
      let path = "\(scratch.root)/control.sock"
      await #expect(throws: ControlClient.ClientError.noDaemon(path: path)) {
        try await ControlClient(path: path).send(.status) { _ in }
      }
      // A socket that nobody accepts on, as kill -9 leaves it.
      let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      close(descriptor)
      #expect(bound == 0)
      await #expect(throws: ControlClient.ClientError.noDaemon(path: path, isLeft: true)) {
        try await ControlClient(path: path).send(.status) { _ in }
      }
    }
  }

  @Test func missingDaemonIsNamedWithTheReasonAndWhatToDo() {
    let gone = ControlClient.ClientError.noDaemon(path: "/run/x.sock").description
    let killed = ControlClient.ClientError.noDaemon(path: "/run/x.sock", isLeft: true).description
    for text in [gone, killed] {
      #expect(text.hasPrefix("no daemon answers: "))
      #expect(text.contains("/run/x.sock") && text.contains("start it with"))
    }
    #expect(gone.contains("--root") && killed.contains("killed"))
  }

  @Test func lineOverTheLimitEndsTheStream() {
    let channel = EmbeddedChannel(handler: ByteToMessageHandler(LineDecoder(limit: 10)))
    #expect(throws: LineDecoder.TooLong.self) {
      try channel.writeInbound(ByteBuffer(repeating: 65, count: 11))
    }
  }

  @Test func commandGetsEveryEventAndTheReasonOfAFailure() async throws {
    let path = "/tmp/larder-control-\(UInt64.random(in: 0 ... .max)).sock"
    let server = ControlServer(path: path, group: "nobody-has-this", logger: Logger(label: "test"))
    {
      request, emit in
      try await emit(.note("working"))
      if request == .inbox { throw ControlClient.ClientError.failed("no inbox today") }
      try await emit(.lines(["done"]))
    }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await server.run() }
      let client = ControlClient(path: path)
      let events = Events()
      while true {
        do {
          try await client.send(.status) { events.append($0) }
          break
        } catch ControlClient.ClientError.noDaemon {
          await Task.yield()
        }
      }
      #expect(events.all == [.note("working"), .lines(["done"])])
      await #expect(throws: ControlClient.ClientError.failed("no inbox today")) {
        try await client.send(.inbox) { _ in }
      }
      tasks.cancelAll()
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}

/// The events of one command, in order.
private final class Events: @unchecked Sendable {
  // SAFETY: the client calls `append` from one task, and `all` is read after it ended.
  private(set) var all: [ControlEvent] = []
  func append(_ event: ControlEvent) { all.append(event) }
}
