import Cryptography
import Testing
import Transfer
import Wire

private let samples: [TransferFrame] = [
  .hello(.init(network: "larder", credit: 512)),
  .want(stream: 7, root: ContentRoot(Bytes32(words: (1, 2, 3, 4)))),
  .have(.init(stream: 7, size: 5, inline: [1, 2, 3, 4, 5])),
  .have(
    .init(
      stream: 7, size: 200_000, blocks: [0b1101],
      layer: .init(level: .block, digests: [.zero, Bytes32(words: (9, 9, 9, 9))]))),
  .hashRequest(stream: 1, HashRange(level: .piece, start: 0, count: 2_048)),
  .hashes(stream: 1, level: .block, start: 16, digests: [Bytes32(words: (5, 6, 7, 8))]),
  .blockRequest(stream: 1, blocks: 3..<9),
  .cancel(stream: 1, blocks: 3..<9), .cancel(stream: 1, blocks: 0..<0),
  .choke, .unchoke, .goodbye(.banned), .reject(stream: 3, .busy),
]

@Test(arguments: samples)
func frameReadsBackAsItWas(frame: TransferFrame) throws {
  #expect(try TransferFrame.decode(frame.encoded) == frame)
}

@Test func blockFollowsItsFrame() throws {
  var decoder = FrameDecoder()
  let frame = TransferFrame.blockData(stream: 2, block: 9, length: 3)
  var events: [FrameDecoder.Event] = []
  var bytes = (frame.framed + [7, 8, 9] + TransferFrame.choke.framed)[...]
  while bytes.count >= decoder.needed, !bytes.isEmpty {
    let part = Array(bytes.prefix(decoder.needed))
    bytes = bytes.dropFirst(part.count)
    if let event = try decoder.step(part) { events.append(event) }
  }
  #expect(events == [.block(stream: 2, index: 9, bytes: [7, 8, 9]), .frame(.choke)])
  #expect(decoder.isBetweenFrames)
}

@Test func lengthAboveTheBoundIsRefusedBeforeMemoryIsTaken() {
  var decoder = FrameDecoder()
  #expect(throws: TransferFrame.DecodeError.tooLarge(131_073, limit: 131_072)) {
    _ = try decoder.step([0, 2, 0, 1])
  }
  var other = FrameDecoder()
  #expect(throws: TransferFrame.DecodeError.tooLarge(0xFFFF_FFFF, limit: 131_072)) {
    _ = try other.step([255, 255, 255, 255])
  }
}

@Test func emptyAndUnknownFramesAreRefused() {
  var decoder = FrameDecoder()
  #expect(throws: TransferFrame.DecodeError.malformed) { _ = try decoder.step([0, 0, 0, 0]) }
  #expect(throws: TransferFrame.DecodeError.malformed) { _ = try TransferFrame.decode([]) }
  // Field 99, a message of no bytes.
  #expect(throws: TransferFrame.DecodeError.malformed) {
    _ = try TransferFrame.decode([0x9A, 0x06, 0x00])
  }
}

@Test func fieldsOutsideTheirBoundsAreRefused() {
  let frames: [(TransferFrame, String)] = [
    (.hello(.init(network: String(repeating: "x", count: 65), credit: 1)), "network"),
    (.hello(.init(network: "x", credit: 0)), "credit"),
    (.have(.init(stream: 1, size: 0)), "size"),
    (.have(.init(stream: 1, size: 1 << 60)), "size"),
    (.have(.init(stream: 1, size: 1, inline: [UInt8](repeating: 1, count: 65_537))), "inline"),
    (.hashRequest(stream: 1, HashRange(level: .leaf, start: 0, count: 1)), "level"),
    (.hashRequest(stream: 1, HashRange(level: .block, start: 0, count: 2_049)), "count"),
    (.hashes(stream: 1, level: .block, start: 0, digests: []), "digests"),
    (.blockRequest(stream: 1, blocks: 0..<0), "count"),
    (.blockRequest(stream: 1, blocks: 262_144..<262_145), "start"),
    (.blockRequest(stream: 1, blocks: 1..<262_146), "count"),
    (.blockData(stream: 1, block: 0, length: 65_537), "length"),
    (.blockData(stream: 1, block: 0, length: 0), "length"),
  ]
  for (frame, field) in frames {
    #expect(throws: TransferFrame.DecodeError.outOfBounds(field)) {
      _ = try TransferFrame.decode(frame.encoded)
    }
  }
}

@Test(arguments: 0..<400 as Range<UInt64>)
func decoderSurvivesAnyBytes(seed: UInt64) {
  var random = SplitMix64(seed: seed)
  var bytes: [UInt8] = []
  for _ in 0..<8 {
    let frame = samples.randomElement(using: &random) ?? .choke
    bytes += frame.framed
  }
  for _ in 0..<Int.random(in: 1...6, using: &random) {
    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
      in: 0...255, using: &random)
  }
  var decoder = FrameDecoder()
  var rest = bytes[...]
  while rest.count >= decoder.needed, !rest.isEmpty {
    #expect(decoder.needed > 0 && decoder.needed <= Limits.frame)
    let part = Array(rest.prefix(decoder.needed))
    rest = rest.dropFirst(part.count)
    do { _ = try decoder.step(part) } catch { return }
  }
}
