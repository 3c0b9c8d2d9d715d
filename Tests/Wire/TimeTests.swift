import Foundation
import Testing
import Wire

@Suite struct TimestampTests {
  @Test(arguments: [
    (0, "1970-01-01T00:00:00Z"),
    (-1, "1969-12-31T23:59:59Z"),
    (-86_400, "1969-12-31T00:00:00Z"),
    (-86_401, "1969-12-30T23:59:59Z"),
    (951_782_399, "2000-02-28T23:59:59Z"),
    (951_782_400, "2000-02-29T00:00:00Z"),  // divisible by 400: a leap year
    (951_868_800, "2000-03-01T00:00:00Z"),
    (4_107_542_399, "2100-02-28T23:59:59Z"),
    (4_107_542_400, "2100-03-01T00:00:00Z"),  // divisible by 100 only: none
    (-2_203_891_200, "1900-03-01T00:00:00Z"),
    (1_709_164_800, "2024-02-29T00:00:00Z"),
    (1_735_689_599, "2024-12-31T23:59:59Z"),
    (2_147_483_648, "2038-01-19T03:14:08Z"),
    (-62_135_596_800, "0001-01-01T00:00:00Z"),
    (253_402_300_799, "9999-12-31T23:59:59Z"),
    (-62_135_596_801, "@-62135596801"),
    (253_402_300_800, "@253402300800"),
    (Int64.min, "@-9223372036854775808"),
    (Int64.max, "@9223372036854775807"),
  ])
  func printsTheUTCDate(seconds: Int64, text: String) {
    #expect(Timestamp(seconds).description == text)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func printsLikeFoundation(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    // Foundation's calendar switches to the Julian one before 1582.
    let seconds = Int64.random(in: -12_000_000_000...253_402_300_799, using: &random)
    let date = Date(timeIntervalSince1970: TimeInterval(seconds))
    #expect(Timestamp(seconds).description == date.formatted(.iso8601))
  }

  @Test func roundsDownToWholeSeconds() {
    #expect(Timestamp(10) + .milliseconds(1_999) == Timestamp(11))
    #expect(Timestamp(10) + .milliseconds(-1) == Timestamp(9))
    #expect(Timestamp(10) - .milliseconds(1) == Timestamp(9))
    #expect(Timestamp(10) - .milliseconds(1_000) == Timestamp(9))
    #expect(Timestamp(10) - .milliseconds(-1) == Timestamp(10))
  }

  @Test func staysWithinSixtyFourBits() {
    #expect(Timestamp(.max) + .seconds(1) == Timestamp(.max))
    #expect(Timestamp(.min) - .seconds(1) == Timestamp(.min))
    #expect(Timestamp(.min) - .milliseconds(1) == Timestamp(.min))
    #expect(Timestamp(0) - .seconds(Int64.min) == Timestamp(.max))
    #expect(Timestamp(-1) - .seconds(Int64.min) == Timestamp(.max))
    #expect(Timestamp(.max) - Timestamp(.min) == .seconds(Int64.max))
    #expect(Timestamp(.min) - Timestamp(.max) == .seconds(Int64.min))
    #expect(Timestamp(7) - Timestamp(9) == .seconds(-2))
  }

  @Test func isANumberInJSON() throws {
    let json = try JSONEncoder().encode([Timestamp(-5)])
    #expect(String(decoding: json, as: UTF8.self) == "[-5]")
    #expect(try JSONDecoder().decode([Timestamp].self, from: json) == [Timestamp(-5)])
  }
}

@Suite struct InstantTests {
  @Test func staysWithinTheClocksRange() {
    let last = Instant(nanoseconds: .max)
    #expect(last + .nanoseconds(1) == last)
    #expect(last + .seconds(Int64.max) == last)
    #expect(Instant.zero - .nanoseconds(1) == .zero)
    #expect(Instant.zero - .seconds(Int64.max) == .zero)
    #expect(Instant.zero - .seconds(Int64.min) == Instant(nanoseconds: 1 << 63))
    #expect(Instant.zero + .seconds(Int64.min) == .zero)
    #expect(last - last == .zero)
    #expect(last - .zero == .nanoseconds(Int64.max))
    #expect(.zero - last == .nanoseconds(-Int64.max))
  }

  @Test func differencesUndoSums() {
    let instant = Instant(nanoseconds: 5_000_000_000)
    #expect((instant + .milliseconds(1_500)).nanoseconds == 6_500_000_000)
    #expect((instant - .milliseconds(1_500)).nanoseconds == 3_500_000_000)
    #expect((instant + .milliseconds(-1_500)) - instant == .milliseconds(-1_500))
    #expect(instant < instant + .nanoseconds(1))
  }

  @Test func durationsAreClampedToSixtyFourBits() {
    #expect(Duration.seconds(Int64.max).nanoseconds == .max)
    #expect(Duration.seconds(Int64.min).nanoseconds == .min)
    #expect((.zero - Duration.seconds(Int64.min)).nanoseconds == .max)
    #expect(Duration.seconds(-9_223_372_037).nanoseconds == .min)
    #expect(Duration.seconds(9_223_372_037).nanoseconds == .max)
    #expect(Duration.nanoseconds(-3).nanoseconds == -3)
    #expect(Duration.milliseconds(1_500).inSeconds == 1.5)
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func addsLikeWideIntegers(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let instant = Instant(nanoseconds: random.next() >> UInt64.random(in: 0...40, using: &random))
    let delta = Int64(bitPattern: random.next()) >> Int64.random(in: 0...40, using: &random)
    let sum = Int128(instant.nanoseconds) + Int128(delta)
    let clamped = UInt64(clamping: sum)
    #expect((instant + .nanoseconds(delta)).nanoseconds == clamped)
    if delta != .min { #expect((instant - .nanoseconds(-delta)).nanoseconds == clamped) }
  }
}
