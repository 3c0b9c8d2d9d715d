import CoreMetrics
import Cryptography
import Synchronization
import Transfer
import Wire

extension PeerConnection {
  /// The blocks and answers of streams that ended which may still come in.
  private static let strayBound = 4_096

  /// Handles one event; returns whether the connection goes on.
  ///
  /// While the connection ends because of us, what still comes in is dropped: the writing task sends
  /// the goodbye and closes.
  func take(_ event: InboundEvent) async -> Bool {
    let heardAt = context.clock.now
    let isEnding = state.withLock { state in
      state.heardAt = heardAt
      return state.isEnding
    }
    guard !isEnding else { return true }
    switch event {
    case .blocks(let stream, let blocks):
      let count = blocks.reduce(0) { $0 + $1.bytes.count }
      context.metrics.received.increment(by: count)
      let driver = state.withLock { state in
        state.received += UInt64(count)
        return state.streams[stream]
      }
      let isFine = await take(blocks, of: stream, driver)
      let pause = max(context.download.take(count), download.take(count))
      if pause > .zero { try? await Task.sleep(for: pause) }
      return isFine
    case .frame(let frame):
      return await take(frame)
    }
  }

  private func take(_ frame: TransferFrame) async -> Bool {
    let now = context.clock.now
    switch frame {
    case .hello:
      return violation()
    case .want, .cancel:
      let (actions, before, after) = state.withLock { state in
        let before = state.serve.openStreams
        let actions = state.serve.receive(frame)
        return (actions, before, state.serve.openStreams)
      }
      if (before == 0) != (after == 0) { pool.interest(of: self) }
      return perform(actions)
    case .hashRequest, .blockRequest:
      return perform(state.withLock { $0.serve.receive(frame) })
    case .have(let have):
      guard let driver = driver(of: have.stream) else { return stray(have.stream) }
      await driver.have(have, from: self)
    case .hashes(let stream, let level, let start, let digests):
      guard let driver = driver(of: stream) else { return stray(stream) }
      await driver.hashes(digests, level: level, start: start, from: self)
    case .reject(let stream, let reason):
      guard let driver = driver(of: stream) else { return stray(stream) }
      await driver.event(now) { $0.rejected(self.key, reason, now: now) }
    case .choke, .unchoke:
      let isChoked = frame == .choke
      let drivers = state.withLock { state in
        state.isChoked = isChoked
        return Array(state.streams.values)
      }
      for driver in drivers {
        await driver.event(now) {
          isChoked ? $0.choked(self.key, now: now) : $0.unchoked(self.key, now: now)
        }
      }
    case .blockData:
      return violation()
    case .goodbye:
      return false
    }
    return true
  }

  /// Checks blocks here, off the event loop, while their bytes are hot.
  private func take(
    _ blocks: [ReceivedBlock], of stream: UInt32, _ driver: FetchDriver?
  ) async -> Bool {
    guard let driver else { return blocks.allSatisfy { _ in stray(stream) } }
    let arrivals = await driver.arrived(blocks, from: self)
    var good: [VerifiedBlock] = []
    good.reserveCapacity(blocks.count)
    var wrong: Int?
    for (block, arrival) in zip(blocks, arrivals) {
      guard case .check(let digest) = arrival else { continue }
      let checked = VerifiedBlock(
        checking: block.bytes, index: block.index, layout: driver.layout, expected: digest)
      guard let checked else {
        context.metrics.badBlocks.increment()
        wrong = block.index
        break
      }
      good.append(checked)
    }
    // The ban comes last: what was right before the lie is kept.
    if !good.isEmpty { await driver.write(good, from: self) }
    if let wrong {
      // Dropped ones may be in another connection's hands.
      let ours = zip(blocks, arrivals).filter { if case .check = $1 { true } else { false } }
      await driver.bad(wrong, among: ours.map(\.0.index), from: self)
    }
    return true
  }

  private func driver(of stream: UInt32) -> FetchDriver? {
    state.withLock { $0.streams[stream] }
  }

  /// An answer for a stream that is not open: late if it was, else made up.
  private func stray(_ stream: UInt32) -> Bool {
    let isFine = state.withLock { state in
      state.strays += 1
      return stream >= 1 && stream <= state.lastStream && state.strays <= Self.strayBound
    }
    return isFine ? true : violation()
  }

  private func violation() -> Bool {
    context.metrics.violations.increment()
    close(.violation)
    return true
  }

  /// Does what the serving side wants; returns whether the connection goes on.
  private func perform(_ actions: [ServeMachine.Action]) -> Bool {
    for action in actions {
      switch action {
      case .send(let frame): send(frame)
      case .close(let reason):
        context.metrics.violations.increment()
        close(reason)
      }
    }
    wake()
    return true
  }
}
