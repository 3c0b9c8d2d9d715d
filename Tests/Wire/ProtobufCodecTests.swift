import Testing
import Wire

@Suite struct ProtobufCodecTests {
  @Test func decodesWhatItEncoded() throws {
    var message = Larder_GetRequest()
    message.kind = 2
    message.cursor = 77
    let bytes = ProtobufCodec.encode(message)
    #expect(try ProtobufCodec.decode(Larder_GetRequest.self, from: bytes, limit: 64) == message)
  }

  @Test func checksTheLimitBeforeDecoding() {
    #expect(throws: ProtobufCodec.DecodeError.tooLarge(3, limit: 2)) {
      try ProtobufCodec.decode(Larder_GetRequest.self, from: [255, 255, 255], limit: 2)
    }
  }

  @Test func dropsUnknownFields() throws {
    let bytes: [UInt8] = [0xF8, 0x07, 0x01]  // field 127, varint 1
    let message = try ProtobufCodec.decode(Larder_PingRequest.self, from: bytes, limit: 64)
    #expect(ProtobufCodec.encode(message) == [])
  }

  @Test(arguments: 0..<500 as Range<UInt64>)
  func garbageIsAnErrorAndNeverATrap(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let count = Int.random(in: 0...200, using: &random)
    let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    do {
      _ = try ProtobufCodec.decode(Larder_DHTMessage.self, from: bytes, limit: Limits.datagram)
    } catch {
      #expect(error == .malformed)
    }
  }

  @Test func everyTruncationOfAMessageIsHandled() {
    var request = Larder_DHTMessage()
    request.transaction = 1 << 60
    request.get.kind = 1
    request.get.keys = [.init(repeating: 7, count: 32), .init(repeating: 8, count: 32)]
    let bytes = ProtobufCodec.encode(request)
    for count in 0..<bytes.count {
      let part = try? ProtobufCodec.decode(
        Larder_DHTMessage.self, from: Array(bytes[..<count]), limit: Limits.datagram)
      #expect(part != request)
    }
  }
}

@Suite struct SplitMix64Tests {
  /// The first outputs of the reference implementation for this seed.
  @Test func followsTheReference() {
    var random = SplitMix64(seed: 1_234_567)
    #expect(random.next() == 6_457_827_717_110_365_317)
    #expect(random.next() == 3_203_168_211_198_807_973)
    #expect(random.next() == 9_817_491_932_198_370_423)
  }
}
