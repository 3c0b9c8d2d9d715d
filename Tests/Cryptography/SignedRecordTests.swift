import Cryptography
import Testing
import Wire

@Suite struct SignedRecordTests {
  let key = SigningKey.generate()

  @Test(arguments: SignedRecord.Kind.allCases)
  func verifiesWhatWasSigned(kind: SignedRecord.Kind) throws {
    let record = try SignedRecord(signing: [1, 2, 3], kind: kind, with: key)
    let read = try SignedRecord(verifying: record.encoded)
    #expect(read == record)
    #expect(read.kind == kind && read.signer == key.publicKey && read.body == [1, 2, 3])
  }

  @Test(arguments: SignedRecord.Kind.allCases, SignedRecord.Kind.allCases)
  func aBodySignedAsOneKindIsNoOther(signed: SignedRecord.Kind, shown: SignedRecord.Kind) throws {
    guard signed != shown else { return }
    let record = try SignedRecord(signing: [1, 2, 3], kind: signed, with: key)
    var message = try ProtobufCodec.decode(
      Larder_SignedRecord.self, from: record.encoded, limit: Limits.record)
    message.kind = try #require(Larder_SignedRecord.Kind(rawValue: shown.rawValue))
    #expect(throws: SignedRecord.VerifyError.badSignature) {
      try SignedRecord(verifying: ProtobufCodec.encode(message))
    }
  }

  @Test func fitsItsLimitExactlyOrIsRefused() throws {
    // Kind 2 bytes, signer 34, signature 66, the body's tag and length 3.
    let room = Limits.record - 105
    let largest = [UInt8](repeating: 7, count: room)
    let record = try SignedRecord(signing: largest, kind: .provider, with: key)
    #expect(record.encoded.count == Limits.record)
    #expect(try SignedRecord(verifying: record.encoded).body == largest)
    #expect(throws: SignedRecord.VerifyError.tooLarge(1_001, limit: 1_000)) {
      try SignedRecord(signing: largest + [7], kind: .provider, with: key)
    }
    #expect(throws: SignedRecord.VerifyError.tooLarge(1_001, limit: 1_000)) {
      try SignedRecord(verifying: record.encoded + [0])
    }
  }

  @Test func everyFlippedBitIsNoticed() throws {
    let record = try SignedRecord(signing: Array("body".utf8), kind: .buildStatement, with: key)
    for bit in 0..<record.encoded.count * 8 {
      var altered = record.encoded
      altered[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: SignedRecord.VerifyError.self, "bit \(bit)") {
        try SignedRecord(verifying: altered)
      }
    }
  }

  @Test func everyTruncationIsNoticed() throws {
    let record = try SignedRecord(signing: Array("body".utf8), kind: .buildStatement, with: key)
    for count in 0..<record.encoded.count {
      #expect(throws: SignedRecord.VerifyError.self, "\(count) bytes") {
        try SignedRecord(verifying: Array(record.encoded[..<count]))
      }
    }
  }

  /// Otherwise whoever passes a record on could make many that differ and are all validly signed.
  @Test func aRecordHasOneEncoding() throws {
    let encoded = try SignedRecord(signing: [1], kind: .provider, with: key).encoded
    let unknownField: [UInt8] = [0x78, 0x01]
    let repeatedKind = Array(encoded[..<2])
    let longVarint: [UInt8] = [0x08, 0x82, 0x00] + encoded[2...]
    let reordered = Array(encoded[2...] + encoded[..<2])
    for other in [encoded + unknownField, encoded + repeatedKind, longVarint, reordered] {
      #expect(throws: SignedRecord.VerifyError.malformed) { try SignedRecord(verifying: other) }
    }
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func garbageIsAnErrorAndNeverATrap(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var bytes = (0..<Int.random(in: 0...1_100, using: &random)).map { _ in
      UInt8.random(in: 0...255, using: &random)
    }
    if seed % 3 == 0 {  // close to a record
      bytes = try SignedRecord(signing: [1, 2], kind: .provider, with: key).encoded
      for _ in 0..<3 {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] =
          UInt8.random(in: 0...255, using: &random)
      }
    }
    if let record = try? SignedRecord(verifying: bytes) { #expect(record.encoded == bytes) }
  }
}
