import Testing
import Wire

@Suite struct ByteCountTests {
  @Test(arguments: [
    ("0", 0), ("17", 17), ("17B", 17), ("17 b", 17), ("5kB", 5_000), ("5MB", 5_000_000),
    ("5 GB", 5_000_000_000), ("2TB", 2_000_000_000_000), ("512 KiB", 524_288), ("1M", 1_048_576),
    ("1.5K", 1_536), ("20GiB", 21_474_836_480), ("1tib", 1_099_511_627_776), (".5k", 512),
    ("18446744073709551615", UInt64.max),
  ])
  func readsWhatUsersWrite(text: String, bytes: UInt64) {
    #expect(ByteCount(text)?.bytes == bytes)
  }

  @Test(arguments: [
    "", " ", "B", "-1", "+1", "1e3", "1.2.3", ".", "1 XB", "1KBB", "0x10", "１", "1\u{301}",
    "18446744073709551616", "18014398509481984K", "99999999TB", "18000000000.0GB", "nan", "inf",
    "1,5M", " 5M", "5M ",
  ])
  func refusesWhatIsNoCount(text: String) {
    #expect(ByteCount(text) == nil)
  }

  @Test(arguments: [
    (0, "0 B"), (1_023, "1023 B"), (1_024, "1 KiB"), (1_536, "1.5 KiB"), (1_048_523, "1023.9 KiB"),
    (1_048_575, "1 MiB"), (1_048_576, "1 MiB"), (5_000_000, "4.8 MiB"), (1 << 40, "1 TiB"),
    (UInt64.max, "16 EiB"),
  ])
  func printsTheLargestUnitThatFits(bytes: UInt64, text: String) {
    #expect(ByteCount(bytes).description == text)
  }

  @Test func unitsAreBinary() {
    #expect(ByteCount.kibibytes(2).bytes == 2_048)
    #expect(ByteCount.mebibytes(2).bytes == 2_097_152)
    #expect(ByteCount.gibibytes(2).bytes == 2_147_483_648)
    #expect(ByteCount(1) < ByteCount(2))
  }
}
