import CoreMetrics
import Cryptography
import DequeModule
import NIOCore
import Synchronization
import Transfer
import Wire

extension PeerConnection {
  private enum Next {
    case frame(OutboundFrame)
    case work(ServeMachine.Work)
    case pause(Duration)
    case nothing
    case end
  }

  /// Writes what is queued, then what was asked for, as fast as the peer reads.
  func write(to outbound: NIOAsyncChannelOutboundWriter<OutboundFrame>) async {
    do {
      for await _ in bell {
        guard try await drain(to: outbound) else { return }
      }
    } catch {
      // The connection is gone, or this task is cancelled: the reader tells the fetches.
    }
  }

  /// Writes until there is nothing to write; returns false after the last frame.
  private func drain(
    to outbound: NIOAsyncChannelOutboundWriter<OutboundFrame>
  ) async throws -> Bool {
    while true {
      switch next() {
      case .frame(let frame): try await outbound.write(frame)
      case .work(let work):
        if let frame = await answer(work) {
          window.began(frame.payload)
          try await outbound.write(frame)
        }
        for action in state.withLock({ $0.serve.relent() }) {
          if case .send(let frame) = action { send(frame) }
        }
      case .pause(let time):
        // Short, so that control frames don't wait behind the rate limit.
        try await Task.sleep(for: min(time, .milliseconds(50)))
      case .nothing: return true
      case .end: return false
      }
    }
  }

  private func next() -> Next {
    let now = context.clock.now
    let isLimited = upload.rate != nil || context.upload.rate != nil
    let run = isLimited ? 1 : pool.run
    // One run waits for the socket while the next is read from the store, and no more.
    let hasRoom = window.bytes <= run * Limits.block
    return state.withLock { state in
      if let frame = state.control.popFirst() { return .frame(frame) }
      if state.isEnding { return .end }
      // Without room the next write that ends rings the bell.
      guard !state.serve.isIdle, hasRoom else { return .nothing }
      if state.sendAfter > now { return .pause(state.sendAfter - now) }
      return state.serve.next(run: run).map { .work($0) } ?? .nothing
    }
  }

  /// The frame that answers one request; nil if a reject was queued instead.
  private func answer(_ work: ServeMachine.Work) async -> OutboundFrame? {
    guard isLocal || context.reach.isBeyondLAN else { return withheld(work) }
    switch work {
    case .describe(let stream, let root):
      return await describe(stream, root)
    case .hashes(let stream, let root, let range):
      guard let layers = try? await context.store.layers(of: root) else {
        return vanished(stream)
      }
      let all = range.level == .piece ? layers.pieces : layers.blocks
      guard range.indices.upperBound <= all.count else { return vanished(stream) }
      return .frame(
        .hashes(
          stream: stream, level: range.level, start: range.start,
          digests: Array(all[range.indices])))
    case .blocks(let stream, let root, let range):
      return await blocks(range, of: root, stream)
    }
  }

  private func describe(_ stream: UInt32, _ root: ContentRoot) async -> OutboundFrame? {
    let size = (try? await context.store.size(of: root)) ?? nil
    guard let size, let layout = BlockLayout(size: size) else { return missing(stream) }
    var have = TransferFrame.Have(stream: stream, size: size)
    if layout.isSingleBlock {
      // The asker checks it by the root alone: no digests are needed.
      guard let bytes = try? await context.store.read(root, 0..<size) else {
        return missing(stream)
      }
      described(stream, layout)
      have.inline = bytes
      account(bytes.count)
      return .frame(.have(have))
    }
    guard let layers = try? await context.store.layers(of: root) else { return missing(stream) }
    described(stream, layout)
    if layers.blocks.count <= HashRange.limit {
      have.layer = .init(level: .block, digests: layers.blocks)
    } else if layout.pieceCount <= HashRange.limit {
      have.layer = .init(level: .piece, digests: layers.pieces)
    }
    return .frame(.have(have))
  }

  private func blocks(
    _ range: Range<Int>, of root: ContentRoot, _ stream: UInt32
  ) async -> OutboundFrame? {
    let start = UInt64(range.lowerBound) * UInt64(Limits.block)
    let end = UInt64(range.upperBound) * UInt64(Limits.block)
    guard let size = try? await context.store.size(of: root), start < size,
      let bytes = try? await context.store.read(root, start..<min(end, size))
    else { return vanished(stream) }
    account(bytes.count)
    return .blocks(stream: stream, first: range.lowerBound, bytes: bytes)
  }

  /// Counts sent bytes and lets the rate limits decide when the next block may go.
  private func account(_ count: Int) {
    context.metrics.sent.increment(by: count)
    let pause = max(context.upload.take(count), upload.take(count))
    let now = context.clock.now
    state.withLock { state in
      state.sent += UInt64(count)
      state.sendAfter = now + pause
    }
  }

  /// On a metered link the blob counts as not here.
  private func withheld(_ work: ServeMachine.Work) -> OutboundFrame? {
    switch work {
    case .describe(let stream, _): missing(stream)
    case .hashes(let stream, _, _), .blocks(let stream, _, _): vanished(stream)
    }
  }

  private func missing(_ stream: UInt32) -> OutboundFrame? {
    described(stream, nil)
    return nil
  }

  private func described(_ stream: UInt32, _ layout: BlockLayout?) {
    for action in state.withLock({ $0.serve.described(stream, layout: layout) }) {
      if case .send(let frame) = action { send(frame) }
    }
    if layout == nil { pool.interest(of: self) }
  }

  private func vanished(_ stream: UInt32) -> OutboundFrame? {
    for action in state.withLock({ $0.serve.vanished(stream) }) {
      if case .send(let frame) = action { send(frame) }
    }
    pool.interest(of: self)
    return nil
  }
}
