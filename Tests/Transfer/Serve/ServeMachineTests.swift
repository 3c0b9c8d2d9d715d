import Cryptography
import Testing
import Transfer
import Wire

private let root = ContentRoot(Bytes32(words: (1, 2, 3, 4)))

private func serving(
  _ settings: ServeMachine.Settings = .init(), size: UInt64 = 100 << 16, streams: UInt32 = 1
) throws -> ServeMachine {
  var machine = ServeMachine(settings: settings)
  for stream in 1...streams {
    #expect(machine.receive(.want(stream: stream, root: root)) == [])
    #expect(machine.next() == .describe(stream: stream, root: root))
    #expect(machine.described(stream, layout: BlockLayout(size: size)) == [])
  }
  return machine
}

@Test func absentBlobIsRejectedAndItsStreamClosed() {
  var machine = ServeMachine()
  #expect(machine.receive(.want(stream: 1, root: root)) == [])
  #expect(machine.next() == .describe(stream: 1, root: root))
  #expect(machine.described(1, layout: nil) == [.send(.reject(stream: 1, .notHere))])
  #expect(machine.openStreams == 0 && machine.isIdle)
}

@Test func streamsTakeTurns() throws {
  var machine = try serving(streams: 2)
  #expect(machine.receive(.blockRequest(stream: 1, blocks: 0..<3)) == [])
  #expect(machine.receive(.blockRequest(stream: 2, blocks: 5..<7)) == [])
  var order: [Int] = []
  while case .blocks(_, _, let blocks)? = machine.next() { order += blocks }
  #expect(order == [0, 5, 1, 6, 2])
  #expect(machine.isIdle && machine.queuedBlocks == 0)
}

@Test func digestsGoBeforeBlocks() throws {
  var machine = try serving()
  let range = HashRange(level: .block, start: 0, count: 16)
  #expect(machine.receive(.blockRequest(stream: 1, blocks: 0..<1)) == [])
  #expect(machine.receive(.hashRequest(stream: 1, range)) == [])
  #expect(machine.next() == .hashes(stream: 1, root: root, range))
  #expect(machine.next() == .blocks(stream: 1, root: root, 0..<1))
}

@Test func moreThanTheCreditIsRefusedAndChoked() throws {
  var settings = ServeMachine.Settings()
  settings.credit = 10
  var machine = try serving(settings)
  #expect(machine.receive(.blockRequest(stream: 1, blocks: 0..<8)) == [])
  let refused = machine.receive(.blockRequest(stream: 1, blocks: 8..<12))
  #expect(refused == [.send(.reject(stream: 1, .busy)), .send(.choke)])
  for _ in 0..<2 { _ = machine.next() }
  #expect(machine.relent() == [])
  _ = machine.next()
  #expect(machine.relent() == [.send(.unchoke)])
}

@Test func endlessNonsenseClosesTheConnection() throws {
  var machine = try serving()
  var last: [ServeMachine.Action] = []
  for _ in 0...machine.settings.patience {
    last = machine.receive(.blockRequest(stream: 9, blocks: 0..<1))
  }
  #expect(last == [.close(.violation)])
}

@Test func requestsPastTheBlobAreRejected() throws {
  var machine = try serving(size: 3 << 16)
  #expect(
    machine.receive(.blockRequest(stream: 1, blocks: 2..<4))
      == [.send(.reject(stream: 1, .badRequest))])
  let range = HashRange(level: .block, start: 1, count: 3)
  #expect(
    machine.receive(.hashRequest(stream: 1, range)) == [.send(.reject(stream: 1, .badRequest))])
}

@Test func cancelledBlocksAreNotSent() throws {
  var machine = try serving()
  #expect(machine.receive(.blockRequest(stream: 1, blocks: 0..<10)) == [])
  #expect(machine.receive(.cancel(stream: 1, blocks: 2..<9)) == [])
  #expect(machine.queuedBlocks == 3)
  var order: [Int] = []
  while case .blocks(_, _, let blocks)? = machine.next() { order += blocks }
  #expect(order == [0, 1, 9])
}

@Test func emptyCancelEndsTheStream() throws {
  var machine = try serving()
  #expect(machine.receive(.blockRequest(stream: 1, blocks: 0..<10)) == [])
  #expect(machine.receive(.cancel(stream: 1, blocks: 0..<0)) == [])
  #expect(machine.openStreams == 0 && machine.queuedBlocks == 0 && machine.next() == nil)
}

@Test func streamNumbersAreNotUsedTwice() throws {
  var machine = try serving()
  #expect(
    machine.receive(.want(stream: 1, root: root)) == [.send(.reject(stream: 1, .badRequest))])
}

@Test func heldConnectionDescribesAndAnswersWhatItTook() throws {
  var machine = try serving()
  #expect(machine.receive(.blockRequest(stream: 1, blocks: 0..<2)) == [])
  #expect(machine.hold(true) == [.send(.choke)])
  #expect(machine.receive(.want(stream: 2, root: root)) == [])
  #expect(machine.next() == .describe(stream: 2, root: root))
  #expect(machine.next(run: 8) == .blocks(stream: 1, root: root, 0..<2))
  #expect(machine.next() == nil)
  #expect(machine.hold(false) == [.send(.unchoke)])
}

@Test func whoAsksOnAfterTheChokeIsRejected() throws {
  var settings = ServeMachine.Settings()
  settings.lateBlocks = 4
  var machine = try serving(settings)
  _ = machine.hold(true)
  // Requests that crossed the choke are answered.
  #expect(machine.receive(.blockRequest(stream: 1, blocks: 0..<4)) == [])
  #expect(
    machine.receive(.blockRequest(stream: 1, blocks: 4..<5))
      == [.send(.reject(stream: 1, .busy))])
  _ = machine.hold(false)
  #expect(machine.receive(.blockRequest(stream: 1, blocks: 4..<5)) == [])
}

@Test func consecutiveBlocksGoTogetherAndStreamsTakeTurns() throws {
  var machine = try serving()
  _ = machine.receive(.want(stream: 2, root: root))
  _ = machine.next()
  _ = machine.described(2, layout: BlockLayout(size: 100 << 16))
  _ = machine.receive(.blockRequest(stream: 1, blocks: 0..<6))
  _ = machine.receive(.blockRequest(stream: 2, blocks: 3..<5))
  #expect(machine.next(run: 4) == .blocks(stream: 1, root: root, 0..<4))
  #expect(machine.next(run: 4) == .blocks(stream: 2, root: root, 3..<5))
  #expect(machine.next(run: 4) == .blocks(stream: 1, root: root, 4..<6))
  #expect(machine.next(run: 4) == nil)
}

@Test(arguments: 0..<200 as Range<UInt64>)
func serveMachineStaysWithinItsBounds(seed: UInt64) {
  var random = SplitMix64(seed: seed)
  var settings = ServeMachine.Settings()
  settings.credit = 20
  settings.streams = 4
  settings.patience = 10_000
  var machine = ServeMachine(settings: settings)
  for _ in 0..<500 {
    let stream = UInt32.random(in: 0...300, using: &random)
    let start = Int.random(in: 0...120, using: &random)
    let range = start..<start + Int.random(in: 0...15, using: &random)
    switch Int.random(in: 0...6, using: &random) {
    case 0: _ = machine.receive(.want(stream: stream, root: root))
    case 1: _ = machine.receive(.cancel(stream: stream, blocks: range))
    case 2: _ = machine.described(stream, layout: BlockLayout(size: 100 << 16))
    case 3: _ = machine.receive(.blockRequest(stream: stream, blocks: range))
    case 4: _ = machine.hold(Bool.random(using: &random))
    case 5: _ = machine.vanished(stream)
    default:
      if case .describe(let stream, _)? = machine.next() {
        _ = machine.described(stream, layout: BlockLayout(size: 100 << 16))
        _ = machine.receive(.blockRequest(stream: stream, blocks: range))
      }
    }
    #expect(machine.queuedBlocks >= 0 && machine.queuedBlocks <= 20)
    #expect(machine.openStreams <= 4)
  }
  _ = machine.hold(false)
  var pulled = 0
  while machine.next() != nil { pulled += 1 }
  #expect(machine.queuedBlocks == 0 && pulled < 100)
}
