import Testing
import Wire

@testable import Transfer

@Suite struct StreamFrameTests {
  private func frames(in packet: [UInt8]) throws -> [StreamFrame] {
    try packet.withUnsafeBytes { bytes in
      var reader = StreamFrameReader(bytes)
      var found: [StreamFrame] = []
      while let frame = try reader.next() { found.append(frame) }
      return found
    }
  }

  @Test(arguments: [0, 63, 64, 16_383, 16_384, 1 << 30 - 1, 1 << 30, 1 << 62 - 1] as [UInt64])
  func numberTakesAsManyBytesAsItNeeds(value: UInt64) throws {
    var packet: [UInt8] = [StreamFrame.Kind.credit]
    StreamFrameWriter.append(value, to: &packet)
    #expect(packet.count == 1 + StreamFrameWriter.length(of: value))
    #expect(try frames(in: packet) == [.credit(value)])
  }

  @Test func numbersAreThoseOfRFC9000() throws {
    // RFC 9000, appendix A.1.
    let examples: [([UInt8], UInt64)] = [
      ([0xC2, 0x19, 0x7C, 0x5E, 0xFF, 0x14, 0xE8, 0x8C], 151_288_809_941_952_652),
      ([0x9D, 0x7F, 0x3E, 0x7D], 494_878_333), ([0x7B, 0xBD], 15_293), ([0x25], 37),
    ]
    for (bytes, value) in examples {
      var written: [UInt8] = []
      StreamFrameWriter.append(value, to: &written)
      #expect(written == bytes)
      #expect(try frames(in: [StreamFrame.Kind.credit] + bytes) == [.credit(value)])
    }
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func acknowledgementReadsBackAsItWas(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var numbers = OffsetRanges()
    for _ in 0..<Int.random(in: 1...60, using: &random) {
      let start = UInt64.random(in: 0..<100_000, using: &random)
      numbers.insert(start..<start + UInt64.random(in: 1...50, using: &random))
    }
    var packet: [UInt8] = []
    StreamFrameWriter.acknowledgement(
      delay: .microseconds(1_234), ranges: numbers, to: &packet)
    let newest = numbers.ranges.suffix(StreamFrame.rangeLimit).reversed()
    let wanted = newest.map { $0.lowerBound...$0.upperBound - 1 }
    #expect(
      try frames(in: packet) == [.acknowledgement(delay: .microseconds(1_234), ranges: wanted)])
  }

  @Test func paddingIsSkipped() throws {
    #expect(try frames(in: [0, 0, StreamFrame.Kind.ping, 0]) == [.ping])
    #expect(try frames(in: []).isEmpty)
  }

  @Test func bytesLieWhereTheFrameSays() throws {
    let packet: [UInt8] = [StreamFrame.Kind.lastBytes, 5, 3, 7, 8, 9, StreamFrame.Kind.ping]
    #expect(try frames(in: packet) == [.bytes(offset: 5, range: 3..<6, isLast: true), .ping])
  }

  @Test(
    arguments: [
      ([99], StreamFrame.DecodeError.unknownKind(99)),
      ([5], .truncated), ([5, 0x40], .truncated), ([3, 0, 9, 1], .truncated),
      ([7, 1, 2, 3], .truncated),
      // No range, too many, a first range below zero, and ranges that touch.
      ([2, 9, 0, 0], .badRanges), ([2, 9, 0, 33], .badRanges), ([2, 3, 0, 1, 4], .badRanges),
      ([2, 9, 0, 2, 1, 0, 0], .badRanges), ([2, 9, 0, 2, 1, 9, 0], .badRanges),
      ([3, 0xFF, 255, 255, 255, 255, 255, 255, 255, 1, 0], .badOffset),
    ] as [([UInt8], StreamFrame.DecodeError)])
  func malformedFrameIsNamed(packet: [UInt8], error: StreamFrame.DecodeError) {
    #expect(throws: error) { try frames(in: packet) }
  }

  @Test(
    arguments: [
      .open(session: 1, ephemeral: Bytes32(words: (1, 2, 3, 4)), credit: 99, offersAES: true),
      .open(session: 1, ephemeral: Bytes32(words: (1, 2, 3, 4)), credit: 99, offersAES: false),
      .accept(
        opener: 1, session: 2, ephemeral: Bytes32(words: (5, 6, 7, 8)), credit: 1 << 62 - 1,
        usesAES: true),
      .retry(opener: 1, cookie: [UInt8](repeating: 7, count: 16)),
      .refuse(opener: .max, reason: .busy),
    ] as [StreamOpening])
  func openingReadsBackAsItWas(message: StreamOpening) throws {
    let bytes = message.encoded
    #expect(try StreamOpening.decode(bytes) == message)
    #expect(try StreamOpening.decode(bytes + [0, 0]) == message)
    for count in 0..<bytes.count {
      #expect(throws: StreamOpening.DecodeError.self) {
        try StreamOpening.decode(Array(bytes.prefix(count)))
      }
    }
  }

  @Test func noAnswerIsLongerThanItsOpening() {
    let open = StreamOpening.open(session: 1, ephemeral: .zero, credit: 0, offersAES: true)
    let answers: [StreamOpening] = [
      .accept(opener: 1, session: 2, ephemeral: .zero, credit: 1, usesAES: true),
      .retry(opener: 1, cookie: [UInt8](repeating: 0, count: 16)),
      .refuse(opener: 1, reason: .banned),
    ]
    for answer in answers { #expect(answer.encoded.count <= open.encoded.count) }
  }

  @Test func openingOutsideItsBoundsIsRefused() {
    let tooMuch = StreamOpening.open(
      session: 1, ephemeral: .zero, credit: .max, offersAES: false
    ).encoded
    #expect(throws: StreamOpening.DecodeError.outOfBounds) { try StreamOpening.decode(tooMuch) }
    #expect(throws: StreamOpening.DecodeError.unknownKind(9)) {
      try StreamOpening.decode([0, 9])
    }
    #expect(throws: StreamOpening.DecodeError.notOurs) { try StreamOpening.decode([8, 1]) }
  }
}
