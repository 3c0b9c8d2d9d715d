import TestSupport
import Testing
import Wire

@testable import Builder

/// Jobs under duplicated, late, lost and reordered calls, against a model of four numbers.
@Suite struct JobModelTests {
  enum Call {
    case heartbeat(fence: UInt64)
    case complete(fence: UInt64, root: UInt64)
    case fail(fence: UInt64)
    case release(fence: UInt64)
  }

  struct Model {
    var fence: UInt64 = 0
    var holdsUntil: Timestamp?
    var root: UInt64?
    var conflicts = 0

    func holds(_ fence: UInt64, _ now: Timestamp) -> Bool {
      guard let holdsUntil else { return false }
      return fence == self.fence && now < holdsUntil
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func oneResultWhateverTheNetworkDoes(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var settings = BuildSettings()
    settings.attempts = 1_000
    settings.remembersFailure = .seconds(50)
    var now = Timestamp(10_000)
    var job = Job(try RequestFixture.request(), now: now)
    var model = Model()
    var flight: [Call] = []

    for _ in 0..<400 {
      now = now + .seconds(Int64.random(in: 0...20, using: &random))
      switch Int.random(in: 0..<8, using: &random) {
      case 0, 1:
        if let lease = try? job.claim(by: "w", now: now, settings: settings) {
          #expect(model.holdsUntil == nil && model.root == nil)
          model.fence += 1
          model.holdsUntil = now + settings.lease
          #expect(lease.fence == model.fence)
          flight += calls(of: lease.fence, using: &random)
        }
      case 2:
        if job.sweep(now: now, settings: settings) {
          #expect(model.holdsUntil.map { $0 <= now } ?? false)
          model.holdsUntil = nil
        } else {
          #expect(model.holdsUntil.map { now < $0 } ?? true)
        }
      case 3:
        _ = job.submit(priority: 0, now: now)
      default:
        guard let index = flight.indices.randomElement(using: &random) else { continue }
        let call = flight[index]
        let isDuplicated = Int.random(in: 0..<4, using: &random) == 0
        if !isDuplicated { flight.remove(at: index) }
        let isLost = Int.random(in: 0..<6, using: &random) == 0
        if !isLost { deliver(call, to: &job, &model, now, settings) }
      }
      if let root = model.root {
        guard case .built(let result) = job.state else {
          Issue.record("a built job became \(job.state)")
          return
        }
        #expect(result.root.words.0 == root)
      }
      #expect(job.fence == model.fence && job.conflicts == model.conflicts)
    }
  }

  private func calls(of fence: UInt64, using random: inout SplitMix64) -> [Call] {
    var calls = [Call](repeating: .heartbeat(fence: fence), count: 3)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: calls.append(.fail(fence: fence))
    case 1: calls.append(.release(fence: fence))
    case 2: break
    default: calls.append(.complete(fence: fence, root: fence % 2))
    }
    return calls
  }

  private func deliver(
    _ call: Call, to job: inout Job, _ model: inout Model, _ now: Timestamp,
    _ settings: BuildSettings
  ) {
    switch call {
    case .heartbeat(let fence):
      let order = job.heartbeat(fence: fence, lines: ["x"], now: now, settings: settings)
      #expect((order == .continue) == model.holds(fence, now))
      if model.holds(fence, now) { model.holdsUntil = now + settings.lease }
    case .complete(let fence, let root):
      let result = BuildResult(
        statement: [], root: Bytes32(words: (root, 0, 0, 0)), size: 1, accepted: now,
        expires: Timestamp(.max))
      let completion = try? job.complete(fence: fence, result: result, now: now)
      if let first = model.root {
        #expect(completion == (first == root ? .repeated : .conflict))
        if first != root { model.conflicts += 1 }
      } else if model.holds(fence, now) {
        #expect(completion == .accepted)
        model.root = root
        model.holdsUntil = nil
      } else {
        #expect(completion == nil)
      }
    case .fail(let fence):
      let held = model.holds(fence, now)
      try? job.fail(fence: fence, message: "m", lines: [], now: now, settings: settings)
      #expect(!held || job.state.phase == .failed)
      if held { model.holdsUntil = nil }
    case .release(let fence):
      let held = model.holds(fence, now)
      let released = (try? job.release(fence: fence, now: now)) != nil
      #expect(!held || released)
      if released { model.holdsUntil = nil }
    }
  }
}
