import Testing
import Wire

@testable import Cryptography

/// Four messages at once, beside the library's one.
@Suite struct SHA256LanesTests {
  @Test(
    .enabled(if: SHA256Lanes.isFast, "this processor has no SHA extensions"),
    arguments: [0, 64, 128, 4_096, 16_384])
  func eachLaneIsWhatTheLibraryMakesOfIt(length: Int) throws {
    var random = SplitMix64(seed: UInt64(length))
    for offset in [0, 1, 13] {
      let bytes = (0..<(4 * length + offset)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let lanes = bytes.withUnsafeBytes { raw in
        SHA256Lanes.digests(ofQuarters: UnsafeRawBufferPointer(rebasing: raw[offset...]))
      }
      guard length > 0 else {
        let empty = SHA2.sha256([])
        #expect(lanes == nil || lanes?.allSatisfy { $0.bytes == empty } == true)
        continue
      }
      let digests = try #require(lanes).map(\.bytes)
      for lane in 0..<4 {
        let start = offset + lane * length
        #expect(digests[lane] == SHA2.sha256(Array(bytes[start..<start + length])))
      }
    }
  }

  @Test(arguments: [1, 4, 63, 100, 252, 257])
  func whatIsNotWholeBlocksIsLeftToTheLibrary(length: Int) {
    let bytes = [UInt8](repeating: 1, count: length)
    #expect(bytes.withUnsafeBytes { SHA256Lanes.digests(ofQuarters: $0) } == nil)
  }
}
