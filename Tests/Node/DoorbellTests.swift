import Testing

@testable import Node

@Suite struct DoorbellTests {
  @Test func ringsWhileNobodyWaitsCountAsOne() async throws {
    let bell = Doorbell()
    bell.ring()
    bell.ring()
    try await bell.wait()
    // The second wait ends by its span, not by a ring that was kept.
    let span = Duration.milliseconds(20)
    let time = try await ContinuousClock().measure { try await bell.wait(atMost: span) }
    #expect(time >= span)
  }

  @Test func waitEndsByARingBeforeItsSpan() async throws {
    let bell = Doorbell()
    bell.ring()
    try await bell.wait(atMost: .seconds(3_600))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await bell.wait(atMost: .seconds(3_600)) }
      bell.ring()
      try await group.waitForAll()
    }
  }

  @Test(arguments: [Duration?.none, .seconds(3_600)])
  func cancelledWaitThrows(span: Duration?) async {
    let bell = Doorbell()
    await withTaskGroup(of: Bool.self) { group in
      group.addTask {
        do {
          try await bell.wait(atMost: span)
          return false
        } catch {
          return error is CancellationError
        }
      }
      group.cancelAll()
      #expect(await group.next() == true)
    }
  }
}
