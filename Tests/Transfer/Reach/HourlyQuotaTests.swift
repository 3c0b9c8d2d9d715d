import Cryptography
import Testing
import Transfer
import Wire

/// Bytes an hour.
@Suite struct HourlyQuotaTests {
  @Test(arguments: [.max, 1 << 63, (1 << 62) + 1] as [UInt64])
  func aLimitBeyondAllMeasureIsOne(limit: UInt64) {
    var quota = HourlyQuota(limit: limit, now: .zero)
    #expect(quota.remaining(now: .zero + .seconds(7_200)) == 1 << 62)
    let fits = quota.take(.max / 4, now: .zero)
    #expect(fits)
    var quotas = Quotas<Int>(limit: limit, capacity: 1)
    let has = quotas.has(1_000, of: 1, now: .zero) && quotas.take(1_000, of: 1, now: .zero)
    #expect(has)
  }

  private static func key(_ number: UInt64) -> PublicKey {
    PublicKey(Bytes32(words: (number, number, number, number)))
  }

  private func at(_ seconds: Int64) -> Instant { .zero + .seconds(seconds) }

  @Test func theHoursQuotaComesBack() {
    var quota = HourlyQuota(limit: 3_600, now: .zero)
    #expect(quota.take(3_600, now: .zero) == true)
    #expect(quota.take(1, now: .zero) == false)
    #expect(quota.take(10, now: at(10)) == true)
    #expect(quota.take(1, now: at(10)) == false)
    #expect(quota.remaining(now: at(10_000)) == 3_600)
    #expect(quota.take(-1, now: at(10_000)) == false)
  }

  @Test func quotasOfNodesAreBounded() {
    var quotas = Quotas<PublicKey>(limit: 100, capacity: 10)
    var admitted = 0
    for number in 0..<100 {
      let key = Self.key(UInt64(number + 1))
      if quotas.take(50, of: key, now: .zero) { admitted += 1 }
    }
    #expect(admitted == 10 && quotas.count == 10)
    // Half of it comes back in half an hour: those need not be remembered any more.
    let late = Self.key(1_000)
    #expect(quotas.take(50, of: late, now: at(1_801)) == true)
    #expect(quotas.count == 1)
  }
}
