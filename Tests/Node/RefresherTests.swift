import Logging
import Synchronization
import Testing

@testable import Node

@Suite("Refreshing @world")
struct RefresherTests {
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  /// A step of the work that a test lets go on.
  private struct Gate: Sendable {
    let begun = Doorbell()
    let released = Doorbell()

    func pass() async throws {
      begun.ring()
      try await released.wait()
    }
  }

  @Test func ringsDuringTheWorkCountAsOneMore() async throws {
    let gate = Gate()
    let runs = Mutex(0)
    let refresher = Refresher(logger: logger) {
      runs.withLock { $0 += 1 }
      try await gate.pass()
      return nil
    }
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try? await refresher.run() }
      refresher.ring()
      try? await gate.begun.wait()
      for _ in 0..<5 { refresher.ring() }
      gate.released.ring()
      try? await gate.begun.wait()
      #expect(runs.withLock { $0 } == 2)
      tasks.cancelAll()
    }
    #expect(runs.withLock { $0 } == 2)
  }

  @Test func commandThatRingsAndLeavesDoesNotEndTheWork() async throws {
    let (gate, done) = (Gate(), Doorbell())
    let refresher = Refresher(logger: logger) {
      try await gate.pass()
      done.ring()
      return "all"
    }
    try await Scratch.run { scratch in
      let path = "\(scratch.root)/control.sock"
      let server = ControlServer(path: path, group: "nobody-has-this", logger: logger) { _, emit in
        refresher.ring()
        try await emit(.lines(["asked"]))
      }
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await refresher.run() }
        tasks.addTask { try await server.run() }
        while true {
          do {
            try await ControlClient(path: path).send(.refresh) { _ in }
            break
          } catch ControlClient.ClientError.noDaemon {
            await Task.yield()
          }
        }
        // The command has its answer and is gone, and the work has not ended.
        try await gate.begun.wait()
        gate.released.ring()
        try await done.wait()
        tasks.cancelAll()
      }
    }
  }

  @Test func failureIsKeptUntilTheNextTimeGoesWell() async throws {
    struct Broken: Error, CustomStringConvertible { let description = "no Portage" }
    let gate = Gate()
    let runs = Mutex(0)
    let refresher = Refresher(logger: logger) {
      let number = runs.withLock { runs in
        runs += 1
        return runs
      }
      try await gate.pass()
      if number == 1 { throw Broken() }
      return "all"
    }
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try? await refresher.run() }
      for number in 1...3 {
        refresher.ring()
        try? await gate.begun.wait()
        // The work that begins now tells how the one before it ended.
        let problem = await refresher.problem
        #expect((problem?.hasSuffix("no Portage") == true) == (number == 2))
        gate.released.ring()
      }
      tasks.cancelAll()
    }
  }
}
