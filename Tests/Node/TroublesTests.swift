import Logging
import Synchronization
import Testing

@testable import Node

@Suite struct TroublesTests {
  struct Full: Error, CustomStringConvertible {
    let description = "no room"
  }

  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  private let pauses = Duration.zero ... .milliseconds(1)

  @Test func failedPartIsTriedAgainUntilItEnds() async throws {
    let troubles = Troubles()
    let tries = Mutex(0)
    try await troubles.persist("quota", logger: logger, pauses: pauses) {
      let number = tries.withLock { tries in
        tries += 1
        return tries
      }
      if number == 2 { #expect(troubles.warnings == ["quota failed and is tried again: no room"]) }
      if number < 3 { throw Full() }
    }
    #expect(tries.withLock { $0 } == 3)
    #expect(troubles.warnings.isEmpty)
  }

  @Test func cancellationEndsAPartThatKeepsFailing() async throws {
    let troubles = Troubles()
    let (failures, failed) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    await withThrowingTaskGroup(of: Void.self) { [logger] tasks in
      tasks.addTask {
        try await troubles.persist("quota", logger: logger, pauses: .seconds(600) ... .seconds(600))
        {
          failed.yield()
          throw Full()
        }
      }
      var failures = failures.makeAsyncIterator()
      await failures.next()
      tasks.cancelAll()
      await #expect(throws: CancellationError.self) { try await tasks.next() }
    }
  }
}
