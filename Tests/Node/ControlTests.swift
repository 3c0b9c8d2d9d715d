import FoundationEssentials
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import Node

@Suite("The control socket")
struct ControlTests {
  @Test(arguments: [
    ControlRequest.status, .resolve(arguments: ["-u", "@world"], until: .build),
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
