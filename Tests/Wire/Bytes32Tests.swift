import Foundation
import Testing
import Wire

@Suite struct Bytes32Tests {
  @Test func holdsExactlyThirtyTwoBytes() {
    for count in [0, 1, 31, 33, 64] {
      #expect(Bytes32([UInt8](repeating: 7, count: count)) == nil)
    }
    let bytes = [UInt8](0..<32)
    #expect(Bytes32(bytes)?.bytes == bytes)
    #expect(Bytes32(bytes)?.words.0 == 0x0001_0203_0405_0607)
    #expect(Bytes32(bytes)?.words.3 == 0x1819_1A1B_1C1D_1E1F)
  }

  @Test func readsHexOfEitherCaseAndPrintsLowerCase() {
    let digits = "00ff" + String(repeating: "aB", count: 30)
    #expect(Bytes32(hex: digits)?.hex == digits.lowercased())
    #expect(Bytes32(hex: digits)?.description == digits.lowercased())
  }

  @Test(arguments: [
    "", "0", String(repeating: "0", count: 63), String(repeating: "0", count: 65),
    String(repeating: "0", count: 66), String(repeating: "g", count: 64),
    "0x" + String(repeating: "0", count: 62), " " + String(repeating: "0", count: 63),
    String(repeating: "０", count: 64), "+" + String(repeating: "0", count: 63),
  ])
  func refusesWhatIsNotSixtyFourHexDigits(text: String) {
    #expect(Bytes32(hex: text) == nil)
  }

  @Test func hexHasTwoDigitsAByte() {
    #expect([UInt8](hex: "") == [])
    #expect([UInt8](hex: "00Ff") == [0, 255])
    #expect([UInt8](hex: "0") == nil)
    #expect([UInt8](hex: "0-") == nil)
    #expect([0, 15, 16, 255].hex == "000f10ff")
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func comparesAndMeasuresLikeTheListOfItsBytes(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let left = Bytes32.random(using: &random)
    // Equal up to a random place, so that all words decide now and then.
    var bytes = left.bytes
    bytes[Int.random(in: 0..<32, using: &random)] ^= UInt8.random(in: 0...255, using: &random)
    let right = Bytes32(bytes) ?? .zero
    #expect((left < right) == left.bytes.lexicographicallyPrecedes(right.bytes))
    #expect((left == right) == (left.bytes == right.bytes))
    #expect((left ^ right).bytes == zip(left.bytes, right.bytes).map { $0 ^ $1 })
    let bits = (left ^ right).bytes.flatMap { byte in (0..<8).map { byte >> UInt8(7 - $0) & 1 } }
    #expect((left ^ right).leadingZeroBitCount == bits.firstIndex(of: 1) ?? 256)
    #expect(Bytes32(hex: left.hex) == left)
  }

  @Test func countsLeadingZerosOverAllWords() {
    #expect(Bytes32.zero.leadingZeroBitCount == 256)
    #expect(Bytes32(words: (0, 0, 0, 1)).leadingZeroBitCount == 255)
    #expect(Bytes32(words: (0, 0, 1, 0)).leadingZeroBitCount == 191)
    #expect(Bytes32(words: (0, 1 << 63, 0, 0)).leadingZeroBitCount == 64)
    #expect(Bytes32(words: (1 << 63, 0, 0, 0)).leadingZeroBitCount == 0)
  }

  @Test func hashesEveryWord() {
    let values = (0..<4).map { word in
      Bytes32(words: (word == 0 ? 1 : 0, word == 1 ? 1 : 0, word == 2 ? 1 : 0, word == 3 ? 1 : 0))
    }
    #expect(Set(values.map(\.hashValue)).count == 4)
  }

  @Test func isAHexStringInJSON() throws {
    let value = Bytes32(words: (1, 2, 3, 4))
    let json = try JSONEncoder().encode([value])
    #expect(String(decoding: json, as: UTF8.self) == "[\"\(value.hex)\"]")
    #expect(try JSONDecoder().decode([Bytes32].self, from: json) == [value])
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([Bytes32].self, from: Data("[\"00\"]".utf8))
    }
  }
}
