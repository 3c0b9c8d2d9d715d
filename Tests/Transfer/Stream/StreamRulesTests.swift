import Testing
import Wire

@testable import Transfer

@Suite struct StreamRulesTests {
  private let peer = StreamWorld.address(2)
  private let elsewhere = StreamWorld.address(66)
  private var random = SplitMix64(seed: 1)
  private var now = Instant.zero + .seconds(1)
  private var stream: ReliableStream

  init() {
    stream = ReliableStream(
      settings: StreamSettings(), path: peer, credit: 1 << 20, roundTrip: .milliseconds(20),
      now: .zero + .seconds(1))
  }

  private mutating func receive(_ frames: [UInt8], number: UInt64, from address: Address? = nil) {
    frames.withUnsafeBytes { bytes in
      stream.receive(bytes, number: number, from: address ?? peer, now: now, using: &random)
    }
  }

  private mutating func packets() -> [(packet: ReliableStream.Packet, frames: [UInt8])] {
    var all: [(ReliableStream.Packet, [UInt8])] = []
    var frames: [UInt8] = []
    while let packet = stream.nextPacket(now: now, into: &frames) {
      all.append((packet, frames))
      frames = []
    }
    return all
  }

  private mutating func write(_ count: Int) {
    [UInt8](repeating: 7, count: count).withUnsafeBytes { stream.write($0) }
  }

  private func bytesFrame(_ offset: UInt64, _ bytes: [UInt8], isLast: Bool = false) -> [UInt8] {
    var frame = [isLast ? StreamFrame.Kind.lastBytes : StreamFrame.Kind.bytes]
    StreamFrameWriter.append(offset, to: &frame)
    StreamFrameWriter.append(UInt64(bytes.count), to: &frame)
    return frame + bytes
  }

  @Test mutating func bytesBeyondTheCreditAreAViolation() {
    let credit = ReliableStream.firstCredit(StreamSettings())
    receive(bytesFrame(credit - 1, [1]), number: 0)
    #expect(stream.outcome == nil)
    receive(bytesFrame(credit, [1]), number: 1)
    #expect(stream.outcome == .violation)
    // The peer is told, and nothing else leaves.
    let left = packets()
    #expect(left.map(\.frames) == [[StreamFrame.Kind.reset, 1]])
  }

  @Test mutating func acknowledgingWhatNeverLeftIsAViolation() {
    write(10)
    #expect(packets().count == 1)
    receive([StreamFrame.Kind.acknowledgement, 5, 0, 1, 0], number: 0)
    #expect(stream.outcome == .violation)
  }

  @Test(arguments: [
    [(0, 3, true), (0, 4, false)], [(0, 4, false), (0, 3, true)], [(0, 3, true), (0, 4, true)],
    [(5, 1, false), (0, 0, true)],
  ])
  mutating func anEndThatMovesIsAViolation(frames: [(UInt64, Int, Bool)]) {
    for (number, (offset, count, isLast)) in frames.enumerated() {
      let bytes = [UInt8](repeating: 0, count: count)
      receive(bytesFrame(offset, bytes, isLast: isLast), number: UInt64(number))
    }
    #expect(stream.outcome == .violation)
  }

  @Test mutating func nothingBeyondThePeersCreditLeaves() {
    stream = ReliableStream(
      settings: StreamSettings(), path: peer, credit: 1_000, roundTrip: nil, now: now)
    write(5_000)
    let sent = packets().reduce(0) { $0 + $1.frames.count }
    #expect(sent > 1_000 && sent < 1_050)
  }

  @Test mutating func packetNumbersRise() {
    write(30_000)
    var last: UInt64?
    for step in 0..<200 {
      for (packet, _) in packets() {
        if let last { #expect(packet.number == last + 1) }
        last = packet.number
      }
      now = now + .milliseconds(50)
      stream.tick(now: now)
      if step % 3 == 0 { receive([StreamFrame.Kind.ping], number: UInt64(step)) }
    }
    #expect(last ?? 0 > 40)
  }

  @Test mutating func anUnprovenAddressGetsAChallengeOnly() {
    write(50_000)
    _ = packets()
    receive([StreamFrame.Kind.ping], number: 0, from: elsewhere)
    let there = packets().filter { $0.packet.address == elsewhere }
    #expect(there.count == 1)
    #expect(there.first?.frames.first == StreamFrame.Kind.challenge)
    #expect(stream.path == peer)
    // A wrong answer, and the right one from another place.
    receive([StreamFrame.Kind.response, 0, 0, 0, 0, 0, 0, 0, 0], number: 1, from: elsewhere)
    let proof = Array((there.first?.frames ?? []).dropFirst())
    receive([StreamFrame.Kind.response] + proof, number: 2, from: peer)
    #expect(stream.path == peer)
    receive([StreamFrame.Kind.response] + proof, number: 3, from: elsewhere)
    #expect(stream.path == elsewhere)
  }

  @Test mutating func whoLooksElsewhereGoesThereOnlyOnProof() {
    write(50_000)
    _ = packets()
    stream.look(at: elsewhere, now: now, using: &random)
    let there = packets().filter { $0.packet.address == elsewhere }
    #expect(there.map { $0.frames.first } == [StreamFrame.Kind.challenge])
    #expect(stream.path == peer)
    let proof = Array((there.first?.frames ?? []).dropFirst())
    receive([StreamFrame.Kind.response] + proof, number: 0, from: elsewhere)
    #expect(stream.path == elsewhere)
    stream.look(at: elsewhere, now: now, using: &random)
    #expect(packets().allSatisfy { $0.frames.first != StreamFrame.Kind.challenge })
  }

  @Test mutating func anOldPacketFromElsewhereMovesNothing() {
    receive([StreamFrame.Kind.ping], number: 9)
    receive([StreamFrame.Kind.ping], number: 3, from: elsewhere)
    receive([StreamFrame.Kind.ping], number: 9, from: elsewhere)
    #expect(packets().allSatisfy { $0.packet.address == peer })
  }

  @Test mutating func silenceEndsTheStream() {
    write(10)
    _ = packets()
    var ticks = 0
    while stream.outcome == nil, ticks < 1_000 {
      ticks += 1
      now = max(stream.nextDeadline, now + .microseconds(1))
      stream.tick(now: now)
      _ = packets()
    }
    #expect(stream.outcome == .idle)
    #expect(now == .zero + .seconds(31))
    #expect(ticks < 50)
  }

  @Test mutating func aStreamAtRestKeepsItsPathOpen() {
    now = stream.nextDeadline
    #expect(now == .zero + .seconds(11))
    stream.tick(now: now)
    #expect(packets().map(\.frames) == [[StreamFrame.Kind.ping]])
  }

  @Test mutating func aResetEndsBothSides() {
    stream.reset(7, now: now)
    #expect(stream.outcome == .reset)
    #expect(stream.writable == 0)
    let left = packets()
    #expect(left.map(\.frames) == [[StreamFrame.Kind.reset, 7]])
    #expect(!stream.isGone(now: now))
    #expect(stream.isGone(now: now + .seconds(10)))
  }

  @Test mutating func aPeerThatMissedTheResetIsToldAgainButNotForEver() {
    stream.reset(7, now: now)
    _ = packets()
    var answers = 0
    for number in 0..<100 as Range<UInt64> {
      receive([StreamFrame.Kind.ping], number: number)
      answers += packets().count
    }
    #expect(answers > 0 && answers < 10)
  }

  @Test mutating func aPeersResetIsBelieved() {
    receive([StreamFrame.Kind.reset, 3], number: 0)
    #expect(stream.outcome == .resetByPeer(3))
    #expect(packets().isEmpty)
  }

  @Test mutating func acknowledgementsWaitForASecondPacketOrTheirTime() {
    receive([StreamFrame.Kind.ping], number: 0)
    #expect(packets().isEmpty)
    now = stream.nextDeadline
    #expect(now == Instant.zero + (.seconds(1) + StreamSettings().ackDelay))
    stream.tick(now: now)
    #expect(packets().count == 1)
    receive([StreamFrame.Kind.ping], number: 1)
    receive([StreamFrame.Kind.ping], number: 2)
    #expect(packets().count == 1)
    // A gap is told at once.
    receive([StreamFrame.Kind.ping], number: 9)
    #expect(packets().count == 1)
  }

  @Test mutating func gapsTakeBoundedMemory() {
    for number in 0..<20_000 as Range<UInt64> {
      receive([StreamFrame.Kind.ping], number: number * 2)
      for (_, frames) in packets() { #expect(frames.count < 200) }
    }
    #expect(stream.received.numbers.ranges.count <= 64)
    #expect(stream.hasSeen(1))
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  mutating func noSequenceOfPacketsTraps(seed: UInt64) {
    random = SplitMix64(seed: seed)
    for step in 0..<120 {
      switch Int.random(in: 0..<6, using: &random) {
      case 0: write(min(stream.writable, Int.random(in: 0...20_000, using: &random)))
      case 1:
        now = now + .microseconds(Int.random(in: 0...200_000, using: &random))
        stream.tick(now: now)
      case 2: stream.read(Int.random(in: 0...9_000, using: &random), now: now) { _ in }
      case 3:
        if Int.random(in: 0..<40, using: &random) == 0 { stream.finish() }
        _ = packets()
      default:
        let count = Int.random(in: 0...60, using: &random)
        var frames = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        if step % 2 == 0, count > 4 {
          frames[0] = UInt8.random(in: 1...8, using: &random)
          for index in 1..<count { frames[index] &= 0x1F }
        }
        let number = UInt64.random(in: 0...(step % 9 == 0 ? .max : 200), using: &random)
        receive(frames, number: number, from: step % 7 == 0 ? elsewhere : peer)
      }
      #expect(stream.allocated <= (9 << 20))
      if stream.outcome != nil {
        stream = ReliableStream(
          settings: StreamSettings(), path: peer, credit: 90_000, roundTrip: nil, now: now)
      }
    }
  }
}

@Suite struct PacketNumberTests {
  private let peer = Address(ip: .v4(0x0A00_0002), port: 7_782)

  private func stream(_ change: (inout StreamSettings) -> Void = { _ in }) -> ReliableStream {
    var settings = StreamSettings()
    change(&settings)
    return ReliableStream(
      settings: settings, path: peer, credit: 1 << 20, roundTrip: .milliseconds(10), now: .zero)
  }

  @Test(arguments: [StreamFrame.offsetLimit + 1, .max])
  func aNumberThatCannotBeAcknowledgedIsIgnored(number: UInt64) {
    var stream = stream()
    var random = SplitMix64(seed: 1)
    [StreamFrame.Kind.ping].withUnsafeBytes {
      stream.receive($0, number: number, from: peer, now: .zero, using: &random)
    }
    var frames: [UInt8] = []
    #expect(stream.nextPacket(now: .zero + .milliseconds(20), into: &frames) == nil)
    #expect(stream.outcome == nil)
    [StreamFrame.Kind.ping].withUnsafeBytes {
      stream.receive($0, number: 0, from: peer, now: .zero, using: &random)
    }
    #expect(stream.nextPacket(now: .zero + .milliseconds(20), into: &frames) != nil)
  }

  @Test func aStreamThatUsedUpItsNumbersIsReset() {
    var stream = stream { $0.packetLimit = 3 }
    var frames: [UInt8] = []
    var numbers: [UInt64] = []
    for _ in 0..<6 {
      stream.greet()
      while let packet = stream.nextPacket(now: .zero, into: &frames) {
        numbers.append(packet.number)
        if stream.outcome != nil { #expect(frames.first == StreamFrame.Kind.reset) }
        frames = []
      }
    }
    #expect(numbers == [0, 1, 2, 3])
    #expect(stream.outcome == .reset)
  }
}

@Suite struct StreamOpenerTests {
  private var opener = StreamOpener(
    session: 5, ephemeral: .zero, credit: 100, offersAES: true)
  private var now = Instant.zero + .seconds(1)

  @Test mutating func asksAgainAfterSilenceAndThenGivesUp() {
    var sends = 0
    var outcome: StreamOpener.Outcome?
    while outcome == nil, sends < 100 {
      now = max(now, opener.nextDeadline)
      let step = opener.tick(now: now)
      outcome = step.outcome
      sends += step.sends ? 1 : 0
    }
    #expect(sends == 5)
    #expect(outcome == .silent)
    #expect(now - (.zero + .seconds(1)) < .seconds(5))
  }

  @Test mutating func measuresTheRoundTripOfAnOnlyAttempt() {
    #expect(opener.tick(now: now).sends)
    now = now + .milliseconds(30)
    let grant = StreamOpening.accept(
      opener: 5, session: 9, ephemeral: .zero, credit: 8, usesAES: false)
    #expect(
      opener.receive(grant, now: now)
        == .ended(
          .granted(
            StreamGrant(
              session: 9, ephemeral: .zero, credit: 8, usesAES: false,
              roundTrip: .milliseconds(30), lateness: .zero))))
    now = now + .seconds(1)
    #expect(opener.tick(now: now).sends)
    #expect(
      opener.receive(grant, now: now)
        == .ended(
          .granted(
            StreamGrant(
              session: 9, ephemeral: .zero, credit: 8, usesAES: false, roundTrip: nil,
              lateness: nil))))
  }

  @Test mutating func tellsALateOpeningFromASlowPath() {
    // A path of 300 ms: the first OPEN is the one that is answered, after the second has left.
    #expect(opener.tick(now: now).sends)
    #expect(opener.tick(now: now + .milliseconds(250)).sends)
    let cookie = StreamOpening.retry(opener: 5, cookie: [UInt8](repeating: 1, count: 16))
    _ = opener.receive(cookie, now: now + .milliseconds(300))
    let grant = StreamOpening.accept(
      opener: 5, session: 9, ephemeral: .zero, credit: 8, usesAES: false)
    guard
      case .ended(.granted(let slow)) = opener.receive(grant, now: now + .milliseconds(600))
    else {
      Issue.record("no grant")
      return
    }
    #expect(slow.lateness == .zero)
    // A path of 20 ms that let only the second one in.
    var late = StreamOpener(session: 5, ephemeral: .zero, credit: 100, offersAES: false)
    #expect(late.tick(now: now).sends)
    #expect(late.tick(now: now + .milliseconds(250)).sends)
    _ = late.receive(cookie, now: now + .milliseconds(270))
    guard case .ended(.granted(let shut)) = late.receive(grant, now: now + .milliseconds(290))
    else {
      Issue.record("no grant")
      return
    }
    #expect(shut.lateness == .milliseconds(250))
  }

  @Test func waitsNoLongerThanItIsGiven() {
    var opener = StreamOpener(
      session: 5, ephemeral: .zero, credit: 100, offersAES: false, patience: .seconds(2))
    let began = now
    var time = now
    var outcome: StreamOpener.Outcome?
    for _ in 0..<20 where outcome == nil {
      outcome = opener.tick(now: time).outcome
      if outcome == nil { time = max(time, opener.nextDeadline) }
    }
    #expect(outcome == .silent && time - began == .seconds(2))
  }

  @Test func aCipherThatWasNotOfferedIsNotTaken() {
    var opener = StreamOpener(session: 5, ephemeral: .zero, credit: 100, offersAES: false)
    #expect(opener.tick(now: now).sends)
    let grant = StreamOpening.accept(
      opener: 5, session: 9, ephemeral: .zero, credit: 8, usesAES: true)
    #expect(opener.receive(grant, now: now) == .ignored)
  }

  @Test mutating func takesOneCookieAndIgnoresAnswersToOthers() {
    let cookie = [UInt8](repeating: 1, count: 16)
    #expect(opener.tick(now: now).sends)
    #expect(opener.receive(.retry(opener: 6, cookie: cookie), now: now) == .ignored)
    #expect(opener.receive(.retry(opener: 5, cookie: cookie), now: now) == .again(cookie: cookie))
    #expect(opener.receive(.retry(opener: 5, cookie: cookie), now: now) == .ignored)
    #expect(opener.receive(.refuse(opener: 6, reason: .busy), now: now) == .ignored)
    #expect(
      opener.receive(.refuse(opener: 5, reason: .banned), now: now) == .ended(.refused(.banned)))
  }
}
